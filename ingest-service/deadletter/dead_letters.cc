#include "ingest-service/deadletter/dead_letters.h"

#include <utility>

#include "common/metrics/metric_families.h"
#include "common/status/status.h"
#include "ingest-service/deadletter/dead_letter_files.h"

namespace alertjoin {
DeadLetters::DeadLetters(Options options, const Clock& clock, prometheus::Registry& registry)
    : options_(std::move(options)),
      failure_log_(kLogInterval, clock),
      letters_(OneGauge(registry, "alertjoin_dead_letters",
                        "Bodies that could never be taken and are kept in files.")),
      letter_bytes_(OneGauge(registry, "alertjoin_dead_letter_bytes", "Bytes of these files.")),
      kept_(OneCounter(registry, "alertjoin_dead_letters_total",
                       "Bodies written to files because they can never be taken.")),
      failures_(OneCounter(registry, "alertjoin_dead_letter_failures_total",
                           "Dead letters that could not be written, or not be removed.")),
      commits_(GroupCommit<Request>::kOneByOne, [this](std::span<Request* const> group) {
        for (Request* request : group) Commit(*request->letter);
      }) {
  CHECK(options_.count_max > 0 && options_.bytes_max >= kBytesMaxLeast);
}

absl::StatusOr<std::unique_ptr<DeadLetters>> DeadLetters::Open(Options options, const Clock& clock,
                                                               prometheus::Registry& registry) {
  RETURN_IF_ERROR(MakeDeadLetterFolder(options.folder));
  std::unique_ptr<DeadLetters> letters(new DeadLetters(std::move(options), clock, registry));
  ASSIGN_OR_RETURN(letters->files_, FindDeadLetterFiles(letters->options_.folder));
  for (const auto& [name, bytes] : letters->files_) letters->bytes_ += bytes;
  RETURN_IF_ERROR(letters->Prune());
  return letters;
}

void DeadLetters::Keep(const DeadLetter& letter) {
  Request request{&letter};
  commits_.Run(request);
}

void DeadLetters::Commit(const DeadLetter& letter) {
  absl::Status status = Store(letter);
  if (status.ok()) {
    kept_.Increment();
    status = Prune();
  }
  if (status.ok()) return;
  failures_.Increment();
  if (failure_log_.Allow()) {
    LogError("a body that can never be taken is not kept as it should be",
             {{"error", MessageOf(status)}});
  }
}

absl::Status DeadLetters::Store(const DeadLetter& letter) {
  const std::string text = EncodeDeadLetter(letter, options_.bytes_max / kBodyShare);
  const std::string name =
      NextDeadLetterName(letter.time, files_.empty() ? "" : files_.rbegin()->first);
  RETURN_IF_ERROR(WriteDeadLetterFile(options_.folder, name, text));
  files_.emplace(name, text.size());
  bytes_ += text.size();
  return absl::OkStatus();
}

absl::Status DeadLetters::Prune() {
  absl::Status status;
  while (files_.size() > options_.count_max || bytes_ > options_.bytes_max) {
    const auto oldest = files_.begin();
    status = RemoveDeadLetterFile(options_.folder, oldest->first);
    if (!status.ok()) break;
    bytes_ -= oldest->second;
    files_.erase(oldest);
  }
  letters_.Set(static_cast<double>(files_.size()));
  letter_bytes_.Set(static_cast<double>(bytes_));
  return status;
}

}  // namespace alertjoin

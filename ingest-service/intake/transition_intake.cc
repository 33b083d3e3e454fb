#include "ingest-service/intake/transition_intake.h"

#include <algorithm>
#include <utility>

#include "common/status/status.h"
#include "ingest-service/spool/spool_records.h"

namespace alertjoin {
namespace {

void Run(const TransitionIntake::Runner& runner, const std::function<void()>& work) {
  runner ? runner(work) : work();
}

// How many of the records are the first piece. REQUIRES: not empty.
size_t FirstPiece(std::span<const std::string> records) {
  size_t count = 1;
  for (size_t bytes = records[0].size(); count < records.size(); ++count) {
    bytes += records[count].size();
    if (bytes > TransitionIntake::kPieceBytes) break;
  }
  return count;
}

}  // namespace

void TransitionIntake::Bind(std::vector<TransitionEvent>& transitions) const {
  for (TransitionEvent& transition : transitions) {
    for (Binding& binding : binder_.Bind(transition)) {
      transition.bindings.emplace_back(std::move(binding));
    }
  }
}

absl::Status TransitionIntake::Keep(std::span<const TransitionEvent> transitions,
                                    std::span<const std::string> records) {
  // Else a full spool would be filled to the brim with the first pieces of what is sent in vain.
  if (FirstPiece(records) < records.size()) RETURN_IF_ERROR(spool_.CheckRoom(records));
  while (!records.empty()) {
    const size_t count = FirstPiece(records);
    RETURN_IF_ERROR(spool_.AppendRecords(records.first(count)));
    records = records.subspan(count);
    const auto piece = transitions.first(std::min(count, transitions.size()));
    transitions = transitions.subspan(piece.size());
    if (piece.empty()) continue;
    // Only now: what is known is not taken again.
    recent_.Remember(piece);
    listener_.OnTransitions(piece);
  }
  return absl::OkStatus();
}

absl::Status TransitionIntake::Take(std::vector<TransitionEvent> transitions,
                                    std::optional<RawPayload> payload, const Runner& gently) {
  if (transitions.empty()) return absl::OkStatus();
  absl::StatusOr<std::vector<std::string>> records;
  Run(gently, [&] {
    Bind(transitions);
    records = EncodeSpoolRecords(transitions, payload);
  });
  RETURN_IF_ERROR(records);
  absl::Status kept = Keep(transitions, *records);
  Run(gently, [&] {
    transitions.clear();
    records->clear();
  });
  return kept;
}

absl::StatusOr<std::vector<size_t>> TransitionIntake::TakeNews(
    std::vector<TransitionEvent> transitions, const PayloadOf& payload_of, const Runner& gently) {
  Run(gently, [&] { Bind(transitions); });
  std::vector<size_t> chosen;
  std::vector<TransitionEvent> news;
  for (size_t i = 0; i < transitions.size(); ++i) {
    if (recent_.Knows(transitions[i])) continue;
    chosen.push_back(i);
    news.push_back(std::move(transitions[i]));
  }
  if (news.empty()) return chosen;
  absl::StatusOr<std::vector<std::string>> records;
  Run(gently, [&] {
    std::optional<RawPayload> payload;
    if (payload_of) payload = payload_of(chosen);
    records = EncodeSpoolRecords(news, payload);
  });
  RETURN_IF_ERROR(records);
  RETURN_IF_ERROR(Keep(news, *records));
  return chosen;
}

}  // namespace alertjoin

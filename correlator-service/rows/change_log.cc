#include "correlator-service/rows/change_log.h"

#include <fmt/format.h>

#include "common/status/status.h"

namespace alertjoin {
void ChangeLog::StartAt(Sequence newest) {
  CHECK(sets_.empty());
  floor_ = newest;
}

std::vector<SharedChangeSet> ChangeLog::Append(SharedChangeSet set) {
  CHECK(set->sequence == newest().Next());
  changes_ += ChangesIn(*set);
  bytes_ += set->bytes;
  sets_.push_back(std::move(set));
  std::vector<SharedChangeSet> dropped;
  while (sets_.size() > 1 && (changes_ > limits_.changes_max || bytes_ > limits_.bytes_max)) {
    changes_ -= ChangesIn(*sets_.front());
    bytes_ -= sets_.front()->bytes;
    dropped.push_back(std::move(sets_.front()));
    sets_.pop_front();
    floor_ = floor_.Next();
  }
  return dropped;
}

absl::StatusOr<ChangesRead> ChangeLog::Read(Sequence after, size_t changes_max,
                                            size_t bytes_max) const {
  if (after < floor_) {
    return absl::OutOfRangeError(fmt::format(
        "change log: sequence {}: the log reaches back to {} only", after.value(), floor_.value()));
  }
  ChangesRead read;
  read.newest = newest();
  size_t changes = 0;
  size_t bytes = 0;
  for (size_t i = after.value() - floor_.value(); i < sets_.size(); ++i) {
    changes += ChangesIn(*sets_[i]);
    bytes += sets_[i]->bytes;
    if (!read.sets.empty() && (changes > changes_max || bytes > bytes_max)) break;
    read.sets.push_back(sets_[i]);
  }
  return read;
}

}  // namespace alertjoin

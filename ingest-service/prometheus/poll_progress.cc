#include "ingest-service/prometheus/poll_progress.h"

#include <algorithm>

namespace alertjoin {

void PollProgress::OnTaken(Timestamp from, Timestamp through, bool lacks) {
  // Slowly, so that few are in vain while much is to be made up for.
  span_max_ = std::min(kCatchUpMax, span_max_ * 9 / 8);
  const std::optional<Timestamp> before = taken_through_;
  taken_through_ = through;
  if (lacks) {
    if (!lacking_since_) lacking_since_ = std::min(before.value_or(from), through);
  } else if (lacking_since_) {
    // Unless this one has brought it already.
    if (*lacking_since_ < from) taken_through_ = *lacking_since_;
    lacking_since_.reset();
  }
}

bool PollProgress::OnTooMuch(Millis span, Millis span_min) {
  if (span <= span_min) return false;
  span_max_ = std::max(span_min, span / 2);
  return true;
}

}  // namespace alertjoin

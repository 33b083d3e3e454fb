#include "correlator-service/join/kept_match.h"

#include "correlator-service/join/as_of.h"

namespace alertjoin {
namespace {

// Whether a match says more than a sample.
bool HasMore(const Match& match) {
  return match.next_value || match.next_sample_time || match.value_at_active ||
         match.active_sample_time || match.query_error != nullptr;
}

}  // namespace

KeptMatch::KeptMatch(const Match& match)
    : state_(match.state),
      has_value_(match.value.has_value()),
      has_sample_time_(match.sample_time.has_value()),
      has_received_time_(match.sample_received_time.has_value()),
      value_(match.value.value_or(0)),
      sample_time_(match.sample_time.value_or(Timestamp())),
      received_time_(match.sample_received_time.value_or(Timestamp())) {
  if (!HasMore(match)) return;
  auto whole = std::make_unique<Match>(match);
  whole->series.reset();
  whole_ = std::move(whole);
}

bool KeptMatch::IsSameForReaders(const Match& match) const {
  if (whole_ != nullptr || HasMore(match)) {
    Match bare = match;
    bare.series.reset();
    return SameForReaders(Get(), bare);
  }
  return state_ == match.state && has_value_ == match.value.has_value() &&
         has_sample_time_ == match.sample_time.has_value() &&
         (!has_value_ || SameValue(value_, *match.value)) &&
         (!has_sample_time_ || sample_time_ == *match.sample_time);
}

Match KeptMatch::Get() const {
  if (whole_ != nullptr) return *whole_;
  Match match;
  match.state = state_;
  if (has_value_) match.value = value_;
  if (has_sample_time_) match.sample_time = sample_time_;
  if (has_received_time_) match.sample_received_time = received_time_;
  return match;
}

}  // namespace alertjoin

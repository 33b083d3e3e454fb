#include "correlator-service/join/as_of.h"

namespace alertjoin {
namespace {

bool SameOptional(const std::optional<double>& a, const std::optional<double>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a.has_value() || SameValue(*a, *b);
}

bool SameText(const std::shared_ptr<const std::string>& a,
              const std::shared_ptr<const std::string>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

}  // namespace

Match MatchAsOf(const SampleSeries& samples, Timestamp time, const Binding& binding) {
  Match match;
  const auto found = binding.strict ? samples.Before(time) : samples.AtOrBefore(time);
  if (!found) {
    match.state = MatchState::kNoSample;
  } else {
    match.sample_time = found->time;
    match.sample_received_time = found->received_time;
    if (IsStaleMarker(found->value)) {
      match.state = MatchState::kStale;
    } else if (time - found->time > binding.tolerance) {
      match.state = MatchState::kTooOld;
    } else {
      match.state = MatchState::kMatched;
      match.value = found->value;
    }
  }
  if (binding.first_after) {
    // A stale marker is no value: the first one behind it counts.
    auto next = samples.After(time);
    while (next && IsStaleMarker(next->value)) next = samples.After(next->time);
    if (next) {
      match.next_value = next->value;
      match.next_sample_time = next->time;
    }
  }
  return match;
}

Interval DecisiveInterval(const Match& match, Timestamp time, const Binding& binding) {
  Interval decisive{time, time};
  if (binding.query.time_kind == TimeKind::kSample) {
    const Timestamp oldest = time - binding.tolerance;
    decisive.from = match.sample_time.value_or(oldest);
    if (decisive.from < oldest) decisive.from = oldest;
  }
  if (binding.first_after) {
    decisive.through = time + binding.tolerance;
    if (match.next_sample_time && *match.next_sample_time < decisive.through) {
      decisive.through = *match.next_sample_time;
    }
  }
  return decisive;
}

void AddMatchAtActive(const SampleSeries& samples, Timestamp active_at, const Binding& binding,
                      Match* match) {
  const Match then = MatchAsOf(samples, active_at, binding);
  if (then.state != MatchState::kMatched) return;
  match->value_at_active = then.value;
  match->active_sample_time = then.sample_time;
}

Interval DecisiveIntervalAtActive(const Match& match, Timestamp active_at, const Binding& binding) {
  if (binding.query.time_kind == TimeKind::kEvaluation) return {active_at, active_at};
  return {match.active_sample_time.value_or(active_at - binding.tolerance), active_at};
}

bool SameForReaders(const Match& a, const Match& b) {
  return a.state == b.state && a.series == b.series && a.sample_time == b.sample_time &&
         a.next_sample_time == b.next_sample_time && SameOptional(a.value, b.value) &&
         SameOptional(a.next_value, b.next_value) && a.active_sample_time == b.active_sample_time &&
         SameOptional(a.value_at_active, b.value_at_active) &&
         SameText(a.query_error, b.query_error);
}

}  // namespace alertjoin

#include "correlator-service/verify/plain_rules.h"

#include <algorithm>
#include <iterator>

namespace alertjoin {

bool Belongs(const LabelSet& alert, const LabelSet& series, const Binding& binding) {
  if (binding.matching == Matching::kOn) {
    return std::all_of(binding.on.begin(), binding.on.end(), [&](const std::string& name) {
      return alert.Get(name) == series.Get(name);
    });
  }
  return std::all_of(series.begin(), series.end(), [&](const auto& label) {
    return label.first == "__name__" || !alert.Has(label.first) ||
           alert.Get(label.first) == label.second;
  });
}

Match MatchByRule(const LogFacts::Samples& samples, Timestamp time, const Binding& binding) {
  Match match;
  match.state = MatchState::kNoSample;
  auto behind = binding.strict ? samples.lower_bound(time) : samples.upper_bound(time);
  if (behind != samples.begin()) {
    const auto& [sample_time, value] = *std::prev(behind);
    match.sample_time = sample_time;
    match.state =
        time - sample_time > binding.tolerance ? MatchState::kTooOld : MatchState::kMatched;
    if (IsStaleMarker(value)) match.state = MatchState::kStale;
    if (match.state == MatchState::kMatched) match.value = value;
  }
  if (!binding.first_after) return match;
  for (auto next = samples.upper_bound(time); next != samples.end(); ++next) {
    if (IsStaleMarker(next->second)) continue;
    match.next_sample_time = next->first;
    match.next_value = next->second;
    break;
  }
  return match;
}

bool IsFinalByRule(const LogFacts& facts, const Match& match, Timestamp time,
                   const Binding& binding) {
  const Timestamp oldest = time - binding.tolerance;
  Timestamp from = std::max(match.sample_time.value_or(oldest), oldest);
  if (binding.query.time_kind == TimeKind::kEvaluation) from = time;
  Timestamp through = binding.first_after ? time + binding.tolerance : time;
  if (binding.first_after && match.next_sample_time) {
    through = std::min(through, *match.next_sample_time);
  }
  return facts.IsComplete(binding.query, {from, through});
}

void AddActiveByRule(const LogFacts::Samples& samples, Timestamp active_at, const Binding& binding,
                     Match* match) {
  const Match then = MatchByRule(samples, active_at, binding);
  match->value_at_active = then.value;
  if (then.value) match->active_sample_time = then.sample_time;
}

bool IsActiveFinalByRule(const LogFacts& facts, const Match& match, Timestamp active_at,
                         const Binding& binding) {
  Timestamp from = match.active_sample_time.value_or(active_at - binding.tolerance);
  if (binding.query.time_kind == TimeKind::kEvaluation) from = active_at;
  return facts.IsComplete(binding.query, {from, active_at});
}

}  // namespace alertjoin

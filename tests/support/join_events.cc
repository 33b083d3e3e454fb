#include "tests/support/join_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace alertjoin {
namespace {

const char* NameOf(MatchState state) {
  switch (state) {
    case MatchState::kMatched:
      return "MATCHED";
    case MatchState::kNoSeries:
      return "NO_SERIES";
    case MatchState::kNoSample:
      return "NO_SAMPLE";
    case MatchState::kTooOld:
      return "TOO_OLD";
    case MatchState::kStale:
      return "STALE";
    case MatchState::kUnbound:
      return "UNBOUND";
  }
  return "?";
}

const char* NameOf(Cause cause) {
  switch (cause) {
    case Cause::kAlert:
      return "ALERT";
    case Cause::kSample:
      return "SAMPLE";
    case Cause::kLateSample:
      return "LATE_SAMPLE";
    case Cause::kAlertAmended:
      return "ALERT_AMENDED";
    case Cause::kFinalized:
      return "FINALIZED";
    case Cause::kExpired:
      return "EXPIRED";
    case Cause::kQueryError:
      return "QUERY_ERROR";
  }
  return "?";
}

// Every NaN alike, as for readers.
std::string ToText(double value) { return std::isnan(value) ? "nan" : fmt::format("{}", value); }

TransitionEvent MakeTransition(LabelSet labels, AlertState state, int64_t starts_at,
                               std::vector<Binding> bindings) {
  TransitionEvent event;
  event.source = "am";
  event.fingerprint = labels.FingerprintHex();
  event.state = state;
  event.starts_at = At(starts_at);
  event.labels = std::move(labels);
  event.received_time = event.starts_at;
  event.bindings.assign(bindings.begin(), bindings.end());
  return event;
}

}  // namespace

Query QueryNamed(const std::string& name, TimeKind kind) { return {"prom", name, name, kind}; }

Binding BindOn(const std::string& query, std::vector<std::string> on) {
  Binding binding;
  binding.query = QueryNamed(query);
  binding.on = std::move(on);
  binding.tolerance = Millis(100);
  return binding;
}

Binding BindAgreeing(const std::string& query) {
  Binding binding = BindOn(query, {});
  binding.matching = Matching::kAgreement;
  return binding;
}

TransitionEvent Firing(LabelSet labels, int64_t starts_at, std::vector<Binding> bindings) {
  return FiringHeard(std::move(labels), starts_at, starts_at, std::move(bindings));
}

TransitionEvent FiringHeard(LabelSet labels, int64_t starts_at, int64_t received_at,
                            std::vector<Binding> bindings) {
  TransitionEvent event =
      MakeTransition(std::move(labels), AlertState::kFiring, starts_at, std::move(bindings));
  event.received_time = At(received_at);
  return event;
}

TransitionEvent Resolved(LabelSet labels, int64_t starts_at, int64_t ends_at,
                         std::vector<Binding> bindings) {
  TransitionEvent event =
      MakeTransition(std::move(labels), AlertState::kResolved, starts_at, std::move(bindings));
  event.ends_at = At(ends_at);
  event.received_time = At(ends_at);
  return event;
}

SampleBatch Samples(const std::string& query, LabelSet labels,
                    const std::vector<std::pair<int64_t, double>>& samples) {
  SampleBatch batch;
  batch.series.push_back(std::make_shared<const SeriesKey>(
      SeriesKey{std::make_shared<const Query>(QueryNamed(query)), std::move(labels)}));
  for (const auto& [time, value] : samples) {
    batch.series_index.push_back(0);
    batch.times.push_back(At(time));
    batch.values.push_back(value);
    batch.received_time = At(time);
  }
  return batch;
}

TransitionEvent Since(int64_t active_at, TransitionEvent event) {
  event.active_at = At(active_at);
  return event;
}

QueryError Refused(const std::string& query, int64_t time, std::string error) {
  return {QueryNamed(query), At(time), std::move(error)};
}

QueryProgress Covered(const std::string& query, int64_t from, int64_t through) {
  return {QueryNamed(query), At(from), At(through)};
}

std::string Describe(const JoinedRow& row) {
  std::string text =
      fmt::format("{} @{}", row.transition->state == AlertState::kFiring ? "FIRING" : "RESOLVED",
                  row.transition->event_time().millis());
  if (row.binding != nullptr) text += " " + row.binding->query.name;
  if (row.match.series != nullptr) text += ToString(row.match.series->labels);
  text += fmt::format(" {}", NameOf(row.match.state));
  if (row.match.value) text += " " + ToText(*row.match.value);
  if (row.match.sample_time) text += fmt::format(" @{}", row.match.sample_time->millis());
  if (row.match.next_value) {
    text += fmt::format(" next {} @{}", ToText(*row.match.next_value),
                        row.match.next_sample_time->millis());
  }
  if (row.match.value_at_active) {
    text += fmt::format(" active {} @{}", ToText(*row.match.value_at_active),
                        row.match.active_sample_time->millis());
  }
  if (row.match.query_error != nullptr) text += fmt::format(" error {}", *row.match.query_error);
  if (row.final) text += " final";
  return text;
}

std::vector<std::string> Describe(const std::vector<JoinedRow>& rows) {
  std::vector<std::string> texts;
  for (const JoinedRow& row : rows) texts.push_back(Describe(row));
  std::sort(texts.begin(), texts.end());
  return texts;
}

std::string DescribeFully(const JoinedRow& row) {
  const Transition& transition = *row.transition;
  std::string text =
      fmt::format("{}/{} {} from {}: {}", transition.source, transition.fingerprint,
                  ToString(transition.labels), transition.starts_at.millis(), Describe(row));
  text += fmt::format(", origin {}{}", static_cast<int>(transition.origin),
                      ToString(transition.annotations));
  if (transition.active_at) {
    text += fmt::format(", active since {}", transition.active_at->millis());
  }
  if (row.binding == nullptr) return text;
  const Binding& binding = *row.binding;
  return text + fmt::format(", {} of {}, {} on ({}), tolerance {} ms{}{}, operator \"{}\" {}",
                            binding.query.expression, binding.query.source,
                            binding.matching == Matching::kOn ? "equal" : "agreeing",
                            fmt::join(binding.on, ","), binding.tolerance.count(),
                            binding.strict ? ", strict" : "",
                            binding.first_after ? ", first after" : "", binding.comparison_operator,
                            binding.threshold ? ToText(*binding.threshold) : "");
}

std::string DescribeChange(const JoinedRow& row) {
  return fmt::format("{} {} {} {}", row.operation == Operation::kUpsert ? "UPSERT" : "DELETE",
                     row.revision, NameOf(row.cause), Describe(row));
}

}  // namespace alertjoin

#pragma once

// The events between the two services as plain structs. Their meaning, field by field, is stated
// in proto/alertjoin/v1/events.proto; common/event/event_codec.h converts.

#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "common/text/labels.h"
#include "common/time/timestamp.h"

namespace alertjoin {

enum class AlertState { kFiring = 1, kResolved = 2 };

// What the time of a query's samples means.
enum class TimeKind {
  kSample = 1,      // True scrape time.
  kEvaluation = 2,  // The expression was evaluated at that time.
};

enum class Origin {
  kUnspecified = 0,
  kAlertmanagerWebhook = 1,
  kGrafanaWebhook = 2,
  kPrometheus = 3,
  kReconciliation = 4,
};

// A named PromQL expression of one metrics source. Identity: (source, name, expression).
struct Query {
  std::string source;
  std::string name;
  std::string expression;
  TimeKind time_kind = TimeKind::kSample;

  friend bool operator==(const Query& a, const Query& b) {
    return std::tie(a.source, a.name, a.expression) == std::tie(b.source, b.name, b.expression);
  }
  friend auto operator<=>(const Query& a, const Query& b) {
    return std::tie(a.source, a.name, a.expression) <=> std::tie(b.source, b.name, b.expression);
  }
};

// How the series that belong to an alert are told.
enum class Matching {
  kOn = 1,         // Equal on the labels named in `on`.
  kAgreement = 2,  // In contradiction on no label that both have (`__name__` apart).
};

constexpr Millis kDefaultTolerance = std::chrono::minutes(5);

// One query that a transition is to be joined with, and how.
struct Binding {
  Query query;
  Matching matching = Matching::kOn;
  std::vector<std::string> on;  // Sorted, each once.
  bool strict = false;
  bool first_after = false;
  Millis tolerance = kDefaultTolerance;
  std::string comparison_operator;
  std::optional<double> threshold;

  friend bool operator==(const Binding&, const Binding&) = default;
};

// What the notification said about its group.
struct Notification {
  std::string receiver;
  std::string group_key;
  std::string group_status;
  LabelSet group_labels;
  LabelSet common_labels;
  LabelSet common_annotations;
  LabelSet route_labels;
  std::string external_url;
  std::string version;
  uint64_t truncated_alerts = 0;
  std::string notification_reason;

  friend bool operator==(const Notification&, const Notification&) = default;
};

// One alert at one moment of change. Identity: (source, fingerprint, starts_at, state).
struct TransitionEvent {
  std::string source;
  std::string fingerprint;
  AlertState state = AlertState::kFiring;
  Timestamp starts_at;
  std::optional<Timestamp> ends_at;  // Exactly when resolved.
  LabelSet labels;
  LabelSet annotations;
  std::string generator_url;
  Origin origin = Origin::kUnspecified;
  Notification notification;
  std::optional<double> reported_value;
  std::vector<std::pair<std::string, double>> reported_values;  // Ordered by name.
  Timestamp received_time;
  std::vector<Binding> bindings;
  std::string traceparent;

  // The moment the transition is about.
  Timestamp event_time() const { return state == AlertState::kResolved ? *ends_at : starts_at; }

  friend bool operator==(const TransitionEvent&, const TransitionEvent&) = default;
};

// A series: a query and the labels of one of its results. Immutable and shared: one object per
// series and stream, so that passing samples on copies pointers only.
struct SeriesKey {
  std::shared_ptr<const Query> query;
  LabelSet labels;
};

// Samples in columns of equal length.
struct SampleBatch {
  std::vector<std::shared_ptr<const SeriesKey>> series;
  std::vector<uint32_t> series_index;  // Into `series`.
  std::vector<Timestamp> times;
  std::vector<double> values;
  Timestamp received_time;

  size_t size() const { return times.size(); }
};

// The NaN that says "from here on there is no value", as in Prometheus (model/value/value.go).
constexpr uint64_t kStaleMarkerBits = 0x7ff0000000000002;
inline double StaleMarker() { return std::bit_cast<double>(kStaleMarkerBits); }
inline bool IsStaleMarker(double value) {
  return std::bit_cast<uint64_t>(value) == kStaleMarkerBits;
}
// The same number for readers: every NaN that is no stale marker equals every other.
inline bool SameValue(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return IsStaleMarker(a) == IsStaleMarker(b);
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

// The source's word that it has sent every sample in a closed interval of time.
struct QueryProgress {
  Query query;
  Timestamp complete_from;
  Timestamp complete_through;
};

// Something left out on purpose, or that could not be had.
struct Gap {
  std::string source;
  std::optional<Query> query;
  std::optional<Timestamp> from;
  std::optional<Timestamp> through;
  std::string reason;
};

using Event = std::variant<TransitionEvent, SampleBatch, QueryProgress, Gap>;

}  // namespace alertjoin

#pragma once

// The events between the two services as plain structs. Their meaning, field by field, is stated
// in proto/alertjoin/v1/events.proto; common/event/event_codec.h converts.

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "common/event/query.h"
#include "common/event/series_table.h"
#include "common/event/shared.h"
#include "common/text/labels.h"
#include "common/time/timestamp.h"

namespace alertjoin {

enum class AlertState { kFiring = 1, kResolved = 2 };

enum class Origin {
  kUnspecified = 0,
  kAlertmanagerWebhook = 1,
  kGrafanaWebhook = 2,
  kPrometheus = 3,
  kReconciliation = 4,
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

  // The threshold as something that is in order with all others: its bits, one NaN for all, 0 for
  // none. An expression may well compare with NaN, which equals nothing.
  std::pair<bool, uint64_t> ThresholdKey() const {
    if (!threshold) return {false, 0};
    return {true, std::isnan(*threshold) ? UINT64_MAX : std::bit_cast<uint64_t>(*threshold)};
  }
  // Everything, so that equal bindings are one and different ones have an order.
  auto Key() const {
    return std::tuple(
        std::tie(query, matching, on, strict, first_after, tolerance, comparison_operator),
        query.time_kind, ThresholdKey());
  }
  friend bool operator==(const Binding& a, const Binding& b) { return a.Key() == b.Key(); }
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
struct Transition {
  // What the join looks at stands together.
  AlertState state = AlertState::kFiring;
  Timestamp starts_at;
  std::optional<Timestamp> ends_at;    // Exactly when resolved.
  std::optional<Timestamp> active_at;  // The pending start, at or before starts_at.
  Timestamp received_time;
  std::string source;
  std::string fingerprint;
  LabelSet labels;
  LabelSet annotations;
  std::string generator_url;
  Origin origin = Origin::kUnspecified;
  Notification notification;
  std::optional<double> reported_value;
  std::vector<std::pair<std::string, double>> reported_values;  // Ordered by name.
  std::string traceparent;

  // The moment the transition is about.
  Timestamp event_time() const { return state == AlertState::kResolved ? *ends_at : starts_at; }

  friend bool operator==(const Transition&, const Transition&) = default;
};

// A transition and the queries that it is to be joined with.
struct TransitionEvent : Transition {
  std::vector<Shared<Binding>> bindings;

  friend bool operator==(const TransitionEvent&, const TransitionEvent&) = default;
};

// Samples in columns of equal length.
struct SampleBatch {
  SeriesTable series;                  // May have more series than this batch has samples of.
  std::vector<uint32_t> series_index;  // Numbers in `series`.
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
  // No progress speaks for the range of the query, whether it comes before or after. All three are
  // there then.
  bool voids_progress = false;
};

// What a sender sent, of which transitions were made. For making history anew.
struct RawPayload {
  std::string source;
  Timestamp received_time;
  std::string body;

  friend bool operator==(const RawPayload&, const RawPayload&) = default;
};

// The source refused to answer the query at that time; an empty error: it answers again.
struct QueryError {
  Query query;
  Timestamp time;
  std::string error;
};

enum class SourceHealth { kOk = 1, kAuth = 2, kForbidden = 3, kUnreachable = 4, kError = 5 };

enum class SourceKind { kMetrics = 1, kAlerts = 2 };

// How a source fares, as one producer sees it.
struct SourceStatus {
  std::string source;
  SourceKind kind = SourceKind::kMetrics;
  std::string producer_id;
  SourceHealth health = SourceHealth::kOk;
  std::string last_error;
  std::optional<Timestamp> last_error_time;
  Timestamp time;
  std::string description;

  friend bool operator==(const SourceStatus&, const SourceStatus&) = default;
};

using Event = std::variant<Shared<TransitionEvent>, SampleBatch, QueryProgress, Gap, RawPayload,
                           QueryError, SourceStatus>;

// The transition that the event is; null when it is something else.
inline const TransitionEvent* TransitionOf(const Event& event) {
  const auto* shared = std::get_if<Shared<TransitionEvent>>(&event);
  return shared == nullptr ? nullptr : &**shared;
}

}  // namespace alertjoin

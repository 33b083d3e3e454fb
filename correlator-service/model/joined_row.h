#pragma once

// The joined row as a plain struct. Meaning field by field: proto/alertjoin/v1/joined_row.proto.

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/event/event.h"

namespace alertjoin {

// Identifies a row over all its revisions: a hash of what makes the row (see join/row_id.h).
struct RowId {
  std::array<uint8_t, 16> bytes{};
  friend auto operator<=>(const RowId&, const RowId&) = default;
};
struct RowIdHash {
  size_t operator()(const RowId& id) const;
};
// 32 lower-case hex digits.
std::string ToHex(const RowId& id);
// The way back; nothing when the text is something else.
std::optional<RowId> RowIdFromHex(std::string_view text);

// Position of a change in the correlator's order. 0: none yet.
class Sequence {
 public:
  constexpr Sequence() = default;
  constexpr explicit Sequence(uint64_t value) : value_(value) {}
  constexpr uint64_t value() const { return value_; }
  constexpr Sequence Next() const { return Sequence(value_ + 1); }
  friend constexpr auto operator<=>(Sequence, Sequence) = default;

 private:
  uint64_t value_ = 0;
};

enum class Operation : uint8_t { kUpsert = 1, kDelete = 2 };

enum class Cause : uint8_t {
  kAlert = 1,
  kSample = 2,
  kLateSample = 3,
  kAlertAmended = 4,
  kFinalized = 5,
  kExpired = 6,
  kQueryError = 7,
};

enum class MatchState : uint8_t {
  kMatched = 1,
  kNoSeries = 2,
  kNoSample = 3,
  kTooOld = 4,
  kStale = 5,
  kUnbound = 6,
};

// The sample that answers the row's question.
struct Match {
  MatchState state = MatchState::kUnbound;
  std::shared_ptr<const SeriesKey> series = {};  // Null in the states NO_SERIES and UNBOUND.
  std::optional<double> value = {};              // In the state MATCHED only.
  std::optional<Timestamp> sample_time = {};     // In the states MATCHED, TOO_OLD and STALE.
  std::optional<double> next_value = {};
  std::optional<Timestamp> next_sample_time = {};
  std::optional<Timestamp> sample_received_time = {};  // Along with sample_time.
  // At the transition's active_at. Both or neither.
  std::optional<double> value_at_active = {};
  std::optional<Timestamp> active_sample_time = {};
  // In the state NO_SERIES: why the source refuses the query; null when it does not. Never empty.
  std::shared_ptr<const std::string> query_error = {};
};

// One row, and at the same time one change: the row as it stands after (for DELETE: before) it.
// Cheap to copy: what is large is shared and immutable.
struct JoinedRow {
  RowId id;
  uint64_t revision = 0;
  Sequence sequence;  // Given by the row store.
  Operation operation = Operation::kUpsert;
  Cause cause = Cause::kAlert;
  bool final = false;
  // What the notification that describes it said (transition_report.h), with the times of its
  // episode as it stands now.
  std::shared_ptr<const Transition> transition;
  std::shared_ptr<const Binding> binding;  // Null in the state UNBOUND.
  Match match;
  Timestamp applied_time;
};

}  // namespace alertjoin

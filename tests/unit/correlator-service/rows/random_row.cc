#include "tests/unit/correlator-service/rows/random_row.h"

#include <fmt/format.h>

#include <bit>

namespace alertjoin {
namespace {

std::string Number(const std::optional<double>& value) {
  return value ? fmt::format("{:x}", std::bit_cast<uint64_t>(*value)) : "none";
}

std::string Time(const std::optional<Timestamp>& time) {
  return time ? std::to_string(time->millis()) : "none";
}

std::string DescribeSide(const Transition& transition,
                         const std::vector<std::shared_ptr<const Binding>>& bindings) {
  TransitionEvent event;
  static_cast<Transition&>(event) = transition;
  for (const auto& binding : bindings) event.bindings.push_back(*binding);
  return Describe(Event(Shared<TransitionEvent>(event)));
}

std::string DescribeMatch(const Match& match) {
  std::string series = "none";
  if (match.series != nullptr) {
    const Query& query = *match.series->query;
    series = fmt::format("[{}|{}|{}|{}]{}", query.source, query.name, query.expression,
                         static_cast<int>(query.time_kind), ToString(match.series->labels));
  }
  return fmt::format("match {} {} {} {} {} {} {} {} {} {}", static_cast<int>(match.state), series,
                     Number(match.value), Time(match.sample_time), Number(match.next_value),
                     Time(match.next_sample_time), Time(match.sample_received_time),
                     Number(match.value_at_active), Time(match.active_sample_time),
                     match.query_error == nullptr ? "none" : *match.query_error);
}

}  // namespace

std::string DescribeAll(const JoinedRow& row) {
  std::vector<std::shared_ptr<const Binding>> bindings;
  if (row.binding != nullptr) bindings.push_back(row.binding);
  return fmt::format(
      "row {} revision={} sequence={} operation={} cause={} final={} applied={}\n{}\n{}",
      ToHex(row.id), row.revision, row.sequence.value(), static_cast<int>(row.operation),
      static_cast<int>(row.cause), row.final, row.applied_time.millis(),
      DescribeSide(*row.transition, bindings), DescribeMatch(row.match));
}

std::string DescribeAll(const ChangeSet& set) {
  std::string text = fmt::format("set {} of {} bytes\n", set.sequence.value(), set.bytes);
  for (const RowChange& change : set.changes) {
    text += DescribeAll(*change.row) + "\n";
    if (change.previous == nullptr) continue;
    text += fmt::format("previous final={} state={}\n", change.previous->final,
                        static_cast<int>(change.previous->match.state));
  }
  for (const AlertChange& change : set.alerts) {
    const Alert& alert = *change.alert;
    text += fmt::format("alert {} sequence={} operation={} received={} previous={}\n{}\n",
                        ToHex(alert.id), alert.sequence.value(), static_cast<int>(alert.operation),
                        alert.received_time.millis(),
                        change.previous_state ? static_cast<int>(*change.previous_state) : 0,
                        DescribeSide(*alert.transition, {}));
  }
  if (set.gap) text += Describe(Event(*set.gap)) + "\n";
  return text;
}

std::string DescribeAll(const AlertReport& report) {
  std::string text =
      fmt::format("report {}|{}|{}|{}|{}|{}|{}", report.source, report.fingerprint,
                  report.starts_at.millis(), report.last_reported.millis(),
                  report.received_time.millis(), Time(report.ends_at), Time(report.active_at));
  for (const auto& side : {report.firing, report.resolved}) {
    text += "\n" + (side ? DescribeSide(*side->first, side->bindings) : "none");
  }
  return text;
}

template <typename Kind>
Kind RandomRows::NextOf() {
  for (;;) {
    const Event event = events_.Next();
    if (const auto* found = std::get_if<Kind>(&event)) return *found;
  }
}

double RandomRows::Number() {
  // Any bits: NaNs of all kinds are among them.
  return Coin() ? std::bit_cast<double>(random_()) : std::bit_cast<double>(kStaleMarkerBits);
}

AlertReport::Side RandomRows::Side() {
  const auto event = NextOf<Shared<TransitionEvent>>();
  AlertReport::Side side;
  side.first = std::make_shared<const Transition>(*event);
  for (const auto& binding : event->bindings) side.bindings.push_back(binding.pointer());
  return side;
}

JoinedRow RandomRows::Row() {
  JoinedRow row;
  for (uint8_t& byte : row.id.bytes) byte = static_cast<uint8_t>(random_());
  row.revision = random_() >> Below(64);
  row.sequence = Sequence(random_() >> Below(64));
  row.operation = Coin() ? Operation::kUpsert : Operation::kDelete;
  row.cause = static_cast<Cause>(1 + Below(7));
  row.final = Coin();
  row.applied_time = Time();
  const AlertReport::Side side = Side();
  row.transition = side.first;
  if (side.bindings.empty()) return row;
  row.binding = side.bindings.front();
  row.match.state = static_cast<MatchState>(1 + Below(5));
  if (Coin()) {
    const SampleBatch samples = NextOf<SampleBatch>();
    row.match.series = std::make_shared<const SeriesKey>(
        SeriesKey{std::make_shared<const Query>(row.binding->query),
                  Coin() ? LabelSet() : samples.series[0]->labels});
  }
  if (Coin()) row.match.value = Number();
  if (Coin()) row.match.sample_time = Time();
  if (Coin()) row.match.next_value = Number();
  if (Coin()) row.match.next_sample_time = Time();
  if (Coin()) row.match.sample_received_time = Time();
  if (Coin()) row.match.value_at_active = Number();
  if (Coin()) row.match.active_sample_time = Time();
  if (Coin()) row.match.query_error = std::make_shared<const std::string>("refused");
  return row;
}

ChangeSet RandomRows::Set() {
  ChangeSet set;
  set.sequence = Sequence(random_());
  for (uint64_t i = Below(4); i > 0; --i) {
    RowChange change;
    change.row = std::make_shared<const JoinedRow>(Row());
    if (Coin()) change.previous = std::make_shared<const JoinedRow>(Row());
    set.changes.push_back(std::move(change));
  }
  for (uint64_t i = Below(3); i > 0; --i) {
    Alert alert;
    alert.id = Row().id;
    alert.sequence = set.sequence;
    alert.operation = Coin() ? Operation::kUpsert : Operation::kDelete;
    // Mostly of a row that changes as well.
    const bool is_shared = !set.changes.empty() && Coin();
    alert.transition = is_shared ? set.changes.back().row->transition : Side().first;
    alert.received_time = Time();
    AlertChange change;
    change.alert = std::make_shared<const Alert>(std::move(alert));
    if (Coin()) change.previous_state = Coin() ? AlertState::kFiring : AlertState::kResolved;
    set.alerts.push_back(std::move(change));
  }
  if (set.changes.empty() && set.alerts.empty()) set.gap = NextOf<Gap>();
  set.bytes = ApproximateBytes(set);
  return set;
}

AlertReport RandomRows::Report() {
  AlertReport report;
  const uint64_t sides = 1 + Below(3);
  if ((sides & 1) != 0) report.firing = Side();
  if ((sides & 2) != 0) report.resolved = Side();
  const Transition& transition = *(report.firing ? report.firing : report.resolved)->first;
  report.source = transition.source;
  report.fingerprint = transition.fingerprint;
  report.starts_at = transition.starts_at;
  report.last_reported = Time();
  report.received_time = Time();
  if (Coin()) report.ends_at = Time();
  if (Coin()) report.active_at = Time();
  return report;
}

}  // namespace alertjoin

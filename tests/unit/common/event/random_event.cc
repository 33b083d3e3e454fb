#include "tests/unit/common/event/random_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "common/event/event_limits.h"
#include "common/text/utf8.h"

namespace alertjoin {
namespace {

std::string DescribeQuery(const Query& query) {
  return fmt::format("[{}|{}|{}|{}]", query.source, query.name, query.expression,
                     static_cast<int>(query.time_kind));
}

std::string DescribeLabels(const LabelSet& labels) {
  std::string result = "{";
  for (const auto& [name, value] : labels) {
    result += fmt::format("{}:{}={}:{};", name.size(), name, value.size(), value);
  }
  return result + "}";
}

std::string DescribeNumber(const std::optional<double>& value) {
  return value.has_value() ? fmt::format("{:x}", std::bit_cast<uint64_t>(*value)) : "none";
}

std::string DescribeTime(const std::optional<Timestamp>& time) {
  return time.has_value() ? std::to_string(time->millis()) : "none";
}

std::string DescribeNotification(const Notification& n) {
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", n.receiver, n.group_key, n.group_status,
                     DescribeLabels(n.group_labels), DescribeLabels(n.common_labels),
                     DescribeLabels(n.common_annotations), DescribeLabels(n.route_labels),
                     n.external_url, n.version, n.truncated_alerts, n.notification_reason);
}

std::string DescribeTransition(const TransitionEvent& event) {
  std::string result = fmt::format(
      "transition {}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", event.source, event.fingerprint,
      static_cast<int>(event.state), event.starts_at.millis(), DescribeTime(event.ends_at),
      DescribeTime(event.active_at), DescribeLabels(event.labels),
      DescribeLabels(event.annotations), event.generator_url, static_cast<int>(event.origin),
      DescribeNotification(event.notification), DescribeNumber(event.reported_value),
      event.received_time.millis(), event.traceparent);
  for (const auto& [name, value] : event.reported_values) {
    result += fmt::format("|{}={}", name, DescribeNumber(value));
  }
  for (const Shared<Binding>& shared : event.bindings) {
    const Binding& b = *shared;
    result += fmt::format("|{} {} {} {} {} {} {}", DescribeQuery(b.query),
                          static_cast<int>(b.matching), b.strict, b.first_after,
                          b.tolerance.count(), b.comparison_operator, DescribeNumber(b.threshold));
    for (const std::string& name : b.on) result += "," + name;
  }
  return result;
}

std::string DescribeSamples(const SampleBatch& batch) {
  std::string result = fmt::format("samples {}", batch.received_time.millis());
  for (size_t i = 0; i < batch.size(); ++i) {
    const SeriesKey& series = *batch.series[batch.series_index[i]];
    result +=
        fmt::format("\n{}{} {} {}", DescribeQuery(*series.query), DescribeLabels(series.labels),
                    batch.times[i].millis(), DescribeNumber(batch.values[i]));
  }
  return result;
}

}  // namespace

std::string Describe(const Event& event) {
  if (const auto* transition = TransitionOf(event)) {
    return DescribeTransition(*transition);
  }
  if (const auto* samples = std::get_if<SampleBatch>(&event)) return DescribeSamples(*samples);
  if (const auto* progress = std::get_if<QueryProgress>(&event)) {
    return fmt::format("progress {} {} {}", DescribeQuery(progress->query),
                       progress->complete_from.millis(), progress->complete_through.millis());
  }
  if (const auto* payload = std::get_if<RawPayload>(&event)) {
    return fmt::format("payload {} {} {}", payload->source, payload->received_time.millis(),
                       payload->body);
  }
  if (const auto* error = std::get_if<QueryError>(&event)) {
    return fmt::format("error {} {} {}", DescribeQuery(error->query), error->time.millis(),
                       error->error);
  }
  if (const auto* status = std::get_if<SourceStatus>(&event)) {
    return fmt::format(
        "status {}|{}|{}|{}|{}|{}|{}|{}", status->source, static_cast<int>(status->kind),
        status->producer_id, static_cast<int>(status->health), status->last_error,
        DescribeTime(status->last_error_time), status->time.millis(), status->description);
  }
  const Gap& gap = std::get<Gap>(event);
  return fmt::format("gap {} {} {} {} {} {}", gap.source,
                     gap.query.has_value() ? DescribeQuery(*gap.query) : "none",
                     DescribeTime(gap.from), DescribeTime(gap.through), gap.reason,
                     gap.voids_progress);
}

Event RandomEvents::Next() {
  switch (Below(7)) {
    case 0:
      // Some are worth packing.
      return RawPayload{
          Name(), Time(),
          Below(2) == 0 ? "\xff" + Text() : std::string(20 + Below(500), 'a') + Text()};
    case 1:
      return SomeTransition();
    case 2:
      return SomeProgress();
    case 3:
      return SomeGap();
    case 4:
      return QueryError{SomeQuery(), Time(), ShortText()};
    case 5:
      return SomeStatus();
    default:
      return SomeSamples();
  }
}

std::string RandomEvents::Text() {
  static const std::array<std::string, 12> kTexts = {"",
                                                     "a",
                                                     "quote\"backslash\\",
                                                     "new\nline\r\ttab",
                                                     std::string("nul\0inside", 10),
                                                     "\x7f\x01",
                                                     "Grüße, 世界 \U0001F600",
                                                     "\xef\xbf\xbf\xf4\x8f\xbf\xbf",
                                                     "{{ $value }} <script>",
                                                     std::string(4000, 'v'),
                                                     "__name__",
                                                     "name=\"x\",other=~\".*\""};
  return kTexts[Below(kTexts.size())];
}

std::string RandomEvents::ShortText() { return ValidUtf8(Text(), kSourceTextBytesMax); }

std::string RandomEvents::Name() { return fmt::format("n{}{}", Below(5), Coin() ? "" : "é\n"); }

double RandomEvents::Number() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::array<double, 9> numbers = {
      0.0,       -0.0,          1.5,
      kInfinity, -kInfinity,    std::numeric_limits<double>::quiet_NaN(),
      5e-324,    StaleMarker(), std::bit_cast<double>(random_())};
  return numbers[Below(numbers.size())];
}

Timestamp RandomEvents::Time() {
  const std::array<int64_t, 6> times = {
      Timestamp::Min().millis(),
      Timestamp::Max().millis(),
      -1,
      0,
      1'772'359'212'345,
      1'772'000'000'000 + static_cast<int64_t>(Below(1'000'000'000))};
  return Timestamp::FromMillis(times[Below(times.size())]);
}

LabelSet RandomEvents::Labels(size_t labels_max) {
  std::vector<LabelSet::Label> labels;
  for (uint64_t i = Below(labels_max + 1); i > 0; --i) {
    labels.emplace_back(fmt::format("{}{}", Name(), i), Text());
  }
  return LabelSet(std::move(labels));
}

Query RandomEvents::SomeQuery() {
  return Query{Name(), Name(), "rate(x[5m]) / " + Name(),
               Coin() ? TimeKind::kSample : TimeKind::kEvaluation};
}

Binding RandomEvents::SomeBinding() {
  Binding binding;
  binding.query = SomeQuery();
  binding.matching = Coin() ? Matching::kOn : Matching::kAgreement;
  if (binding.matching == Matching::kOn && Coin()) binding.on = {"instance", "job"};
  binding.strict = Coin();
  binding.first_after = Coin();
  binding.tolerance = Millis(static_cast<int64_t>(Below(10'000'000)));
  if (Coin()) binding.comparison_operator = "!=";
  if (Coin()) binding.threshold = Number();
  return binding;
}

TransitionEvent RandomEvents::SomeTransition() {
  TransitionEvent event;
  event.source = Name();
  event.fingerprint = fmt::format("{:016x}", random_());
  event.starts_at = Time();
  if (Coin()) {
    event.state = AlertState::kResolved;
    event.ends_at = Time();
  }
  if (Coin()) event.active_at = std::min(event.starts_at, Time());
  event.labels = Labels(64);
  event.annotations = Labels(10);
  event.generator_url = Text();
  event.origin = static_cast<Origin>(Below(5));
  event.notification.receiver = Text();
  event.notification.group_key = Text();
  event.notification.group_status = Text();
  event.notification.group_labels = Labels(3);
  event.notification.common_labels = Labels(3);
  event.notification.common_annotations = Labels(3);
  event.notification.route_labels = Labels(3);
  event.notification.external_url = Text();
  event.notification.version = "4";
  event.notification.notification_reason = Text();
  event.notification.truncated_alerts = random_();
  if (Coin()) event.reported_value = Number();
  if (Coin()) event.reported_values = {{"A", Number()}, {"B", Number()}};
  event.received_time = Time();
  for (uint64_t i = Below(3); i > 0; --i) event.bindings.push_back(SomeBinding());
  event.traceparent = Text();
  return event;
}

SampleBatch RandomEvents::SomeSamples() {
  SampleBatch batch;
  batch.received_time = Time();
  const uint64_t series = 1 + Below(5);
  for (uint64_t i = 0; i < series; ++i) {
    auto query = std::make_shared<Query>(SomeQuery());
    // A query's identity does not include its kind, so one identity must have one kind.
    query->time_kind = TimeKind::kSample;
    batch.series.push_back(std::make_shared<SeriesKey>(SeriesKey{query, Labels(3)}));
  }
  for (uint64_t i = Below(20); i > 0; --i) {
    batch.series_index.push_back(static_cast<uint32_t>(Below(series)));
    batch.times.push_back(Time());
    batch.values.push_back(Number());
  }
  return batch;
}

QueryProgress RandomEvents::SomeProgress() {
  const Timestamp a = Time();
  const Timestamp b = Time();
  return QueryProgress{SomeQuery(), std::min(a, b), std::max(a, b)};
}

SourceStatus RandomEvents::SomeStatus() {
  SourceStatus status;
  status.source = Name();
  status.kind = Coin() ? SourceKind::kMetrics : SourceKind::kAlerts;
  status.producer_id = Name();
  status.health = static_cast<SourceHealth>(1 + Below(5));
  status.last_error = ShortText();
  if (Coin()) status.last_error_time = Time();
  status.time = Time();
  status.description = ShortText();
  return status;
}

Gap RandomEvents::SomeGap() {
  Gap gap;
  gap.source = Name();
  if (Coin()) gap.query = SomeQuery();
  if (Coin()) gap.from = Time();
  if (Coin()) gap.through = Time();
  gap.reason = Text();
  gap.voids_progress = gap.query && gap.from && gap.through && *gap.from <= *gap.through && Coin();
  return gap;
}

}  // namespace alertjoin

#include "correlator-service/intake/intake_metrics.h"

#include <array>
#include <string_view>

#include "common/metrics/metric_families.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr std::string_view kOtherReason = "OTHER";
constexpr std::array<std::string_view, 7> kReasons = {
    "MALFORMED_EVENT",    "SEQUENCE_HOLE",   "FENCED",    "SEQUENCE_REWOUND",
    "TOO_MANY_PRODUCERS", "TOO_MANY_SERIES", kOtherReason};

}  // namespace

IntakeMetrics::IntakeMetrics(prometheus::Registry& registry)
    : streams(
          OneGauge(registry, "alertjoin_intake_streams", "Streams of producers that are open.")),
      events(OneCounter(registry, "alertjoin_intake_events_total",
                        "Events taken from producers, duplicates not counted.")),
      duplicates(OneCounter(registry, "alertjoin_intake_duplicates_total",
                            "Events that producers sent again and that were ignored.")),
      lost(OneCounter(registry, "alertjoin_intake_lost_events_total",
                      "Events that a producer dropped before it sent them.")),
      queue_full(OneCounter(registry, "alertjoin_intake_queue_full_total",
                            "Times that a batch had to wait because the pipeline was full.")),
      refused(CounterFamily(registry, "alertjoin_intake_refused_total",
                            "Streams ended because of what the producer sent, by reason.")),
      stage(registry, "intake") {
  for (const std::string_view reason : kReasons) refused.Add({{"reason", std::string(reason)}});
}

void IntakeMetrics::CountRefusal(const absl::Status& status) {
  const auto detail = DetailOf(status);
  std::string_view label = kOtherReason;
  for (const std::string_view reason : kReasons) {
    if (detail.has_value() && detail->reason == reason) label = reason;
  }
  refused.Add({{"reason", std::string(label)}}).Increment();
}

}  // namespace alertjoin

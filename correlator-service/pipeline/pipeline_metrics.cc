#include "correlator-service/pipeline/pipeline_metrics.h"

#include "common/metrics/metric_families.h"

namespace alertjoin {
PipelineMetrics::PipelineMetrics(prometheus::Registry& registry)
    : delay_seconds_(
          HistogramFamily(registry, "alertjoin_join_delay_seconds",
                          "Time from an alert's event time to the first version of its row.")
              .Add({}, prometheus::Histogram::BucketBoundaries{0.5, 1, 2, 5, 10, 30, 60, 120, 300,
                                                               600, 3600, 21600})),
      series_(OneGauge(registry, "alertjoin_join_series", "Series with samples in memory.")),
      rows_(OneGauge(registry, "alertjoin_join_rows", "Joined rows in the engine.")),
      join_(registry, "join"),
      rows_stage_(registry, "rows") {
  auto& bytes =
      GaugeFamily(registry, "alertjoin_join_table_bytes", "Memory of the engine's tables.");
  sample_bytes_ = &bytes.Add({{"table", "samples"}});
  series_bytes_ = &bytes.Add({{"table", "series"}});
  row_bytes_ = &bytes.Add({{"table", "rows"}});
  auto& events = CounterFamily(registry, "alertjoin_join_events_total", "Events applied, by kind.");
  events_ = {&events.Add({{"kind", "transition"}}),   &events.Add({{"kind", "samples"}}),
             &events.Add({{"kind", "progress"}}),     &events.Add({{"kind", "gap"}}),
             &events.Add({{"kind", "raw_payload"}}),  &events.Add({{"kind", "query_error"}}),
             &events.Add({{"kind", "source_status"}})};
  auto& samples =
      CounterFamily(registry, "alertjoin_join_samples_total", "Samples, by what they were.");
  auto& refused = CounterFamily(registry, "alertjoin_join_refused_total",
                                "What the join refused: beyond a limit, or older than retention.");
  followed_ = {
      {&samples.Add({{"outcome", "new"}}), &EngineStats::samples_new},
      {&samples.Add({{"outcome", "late"}}), &EngineStats::samples_late},
      {&samples.Add({{"outcome", "replaced"}}), &EngineStats::samples_replaced},
      {&samples.Add({{"outcome", "unchanged"}}), &EngineStats::samples_unchanged},
      {&refused.Add({{"reason", "sample_expired"}}), &EngineStats::samples_expired},
      {&refused.Add({{"reason", "sample_limit"}}), &EngineStats::samples_refused},
      {&refused.Add({{"reason", "alert_expired"}}), &EngineStats::notifications_expired},
      {&refused.Add({{"reason", "row_limit"}}), &EngineStats::rows_refused},
      {&refused.Add({{"reason", "alert_limit"}}), &EngineStats::alerts_refused},
      {&CounterFamily(registry, "alertjoin_join_repeated_notifications_total",
                      "Notifications that said nothing new.")
            .Add({}),
       &EngineStats::notifications_repeated},
      {&CounterFamily(registry, "alertjoin_join_revisions_after_final_total",
                      "Revisions of rows that were final.")
            .Add({}),
       &EngineStats::revisions_after_final},
  };
}

void PipelineMetrics::CountEvents(std::span<const Event> events, size_t continued) {
  for (const Event& event : events) {
    if (continued > 0 && std::holds_alternative<SampleBatch>(event)) {
      --continued;
    } else {
      events_[event.index()]->Increment();
    }
  }
}

void PipelineMetrics::CountDelays(std::span<const JoinedRow> changes, Timestamp applied_at) {
  for (const JoinedRow& row : changes) {
    if (row.revision > 1 || row.operation == Operation::kDelete) continue;
    const Millis delay = applied_at - row.transition->event_time();
    delay_seconds_.Observe(static_cast<double>(delay.count()) / 1000);
  }
}

void PipelineMetrics::StartFrom(const EngineStats& stats) {
  for (Followed& followed : followed_) followed.seen = stats.*followed.figure;
  Publish(stats);
}

void PipelineMetrics::Publish(const EngineStats& stats) {
  for (Followed& followed : followed_) {
    const uint64_t now = stats.*followed.figure;
    followed.counter->Increment(static_cast<double>(now - followed.seen));
    followed.seen = now;
  }
  series_.Set(static_cast<double>(stats.series));
  rows_.Set(static_cast<double>(stats.rows));
  sample_bytes_->Set(static_cast<double>(stats.sample_bytes));
  series_bytes_->Set(static_cast<double>(stats.series_bytes));
  row_bytes_->Set(static_cast<double>(stats.row_bytes));
}

}  // namespace alertjoin

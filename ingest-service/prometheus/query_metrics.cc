#include "ingest-service/prometheus/query_metrics.h"

#include "common/metrics/metric_families.h"

namespace alertjoin {
namespace {

void Add(prometheus::Family<prometheus::Counter>& family, const prometheus::Labels& labels,
         uint64_t count) {
  if (count > 0) family.Add(labels).Increment(static_cast<double>(count));
}

std::string KindOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAborted:
      return "invalid_query";
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
      return "wrong_url";
    case absl::StatusCode::kUnauthenticated:
      return "unauthenticated";
    case absl::StatusCode::kPermissionDenied:
      return "forbidden";
    case absl::StatusCode::kDeadlineExceeded:
      return "timeout";
    case absl::StatusCode::kResourceExhausted:
      return "limit";
    case absl::StatusCode::kUnavailable:
      return "unavailable";
    default:
      return "other";
  }
}

}  // namespace

QueryMetrics::QueryMetrics(prometheus::Registry& registry)
    : polls_(
          CounterFamily(registry, "alertjoin_poll_total", "Polls of metrics sources by outcome.")),
      poll_seconds_(HistogramFamily(registry, "alertjoin_poll_duration_seconds",
                                    "Time from the start of a poll to its end.")),
      skipped_(CounterFamily(registry, "alertjoin_polls_skipped_total",
                             "Due polls that were left out, by reason.")),
      samples_(
          CounterFamily(registry, "alertjoin_samples_total", "New samples taken from a source.")),
      stale_markers_(CounterFamily(registry, "alertjoin_stale_markers_total",
                                   "Series seen to have ended, by source.")),
      series_refused_(CounterFamily(registry, "alertjoin_series_refused_total",
                                    "Series of an answer that were beyond a limit.")),
      histograms_(CounterFamily(registry, "alertjoin_histograms_skipped_total",
                                "Native histograms left out of answers.")),
      exact_(CounterFamily(registry, "alertjoin_exact_queries_total",
                           "Queries at the event time of a transition by outcome.")),
      errors_(CounterFamily(registry, "alertjoin_query_errors_total", "Failed queries by kind.")),
      exact_pending_(OneGauge(registry, "alertjoin_exact_queries_pending",
                              "Exact queries that are waiting or under way.")) {}

void QueryMetrics::CountPoll(const std::string& source, const std::string& outcome,
                             double seconds) {
  Add(polls_, {{"source", source}, {"outcome", outcome}}, 1);
  poll_seconds_
      .Add({{"source", source}},
           prometheus::Histogram::BucketBoundaries{0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30})
      .Observe(seconds);
}

void QueryMetrics::CountSkipped(const std::string& source, const PollSchedule::Decision& decision) {
  Add(skipped_, {{"source", source}, {"reason", "running"}}, decision.skipped_running);
  Add(skipped_, {{"source", source}, {"reason", "backoff"}}, decision.skipped_backoff);
  Add(skipped_, {{"source", source}, {"reason", "late"}}, decision.skipped_late);
}

void QueryMetrics::CountTaken(const std::string& source, const SampleTransaction& transaction) {
  Add(samples_, {{"source", source}}, transaction.samples());
  Add(stale_markers_, {{"source", source}}, transaction.stale_markers());
  Add(series_refused_, {{"source", source}}, transaction.series_refused());
}

void QueryMetrics::CountHistograms(const std::string& source, uint64_t histograms) {
  Add(histograms_, {{"source", source}}, histograms);
}

void QueryMetrics::CountExact(const std::string& source, const std::string& outcome) {
  Add(exact_, {{"source", source}, {"outcome", outcome}}, 1);
}

void QueryMetrics::SetExactPending(size_t pending) {
  const size_t before = own_pending_.exchange(pending);
  exact_pending_.Increment(static_cast<double>(pending) - static_cast<double>(before));
}

void QueryMetrics::CountError(const std::string& source, const absl::Status& status) {
  Add(errors_, {{"source", source}, {"kind", KindOf(status)}}, 1);
}

}  // namespace alertjoin

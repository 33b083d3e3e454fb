#include "ingest-service/app/service_backfill.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "common/log/log.h"
#include "common/metrics/metric_families.h"
#include "common/metrics/owned_gauge.h"
#include "common/status/status.h"
#include "common/sync/thread.h"
#include "common/time/time_point.h"
#include "ingest-service/app/backfill_spool.h"
#include "ingest-service/backfill/backfill_query.h"

namespace alertjoin {
namespace {

// What waits in the lane at most for more to be added: some 10 MB of samples.
constexpr uint64_t kEventsWaitingMax = 32;

absl::Status AddTasks(const MetricsSourceOptions& source, Timestamp now,
                      std::vector<BackfillRunner::Task>& tasks) {
  const BackfillTerms& terms = *source.backfill;
  for (const QueryOptions& query : source.queries) {
    const auto& names = terms.queries;
    const bool wanted =
        names.empty() || std::find(names.begin(), names.end(), query.name) != names.end();
    if (!wanted) continue;
    BackfillWish wish;
    wish.query = query.name;
    ASSIGN_OR_RETURN(wish.from, ParseTimePoint(terms.from, now));
    ASSIGN_OR_RETURN(wish.to, ParseTimePoint(terms.to, now));
    // Raw samples are wanted of a plain selector whatever the step.
    const bool raw = QueryOf(source.name, query).time_kind == TimeKind::kSample;
    if (!raw) wish.step = terms.step;
    ASSIGN_OR_RETURN(BackfillTask task, BackfillTaskOf(source, wish, now));
    tasks.push_back({source, std::move(task), terms.requests_per_second});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BackfillRunner::Task>> TasksOf(const IngestConfig& config,
                                                          const Clock& clock) {
  std::vector<BackfillRunner::Task> tasks;
  for (const MetricsSourceOptions& source : config.metrics_sources) {
    if (!source.backfill.has_value()) continue;
    RETURN_IF_ERROR(Annotate(AddTasks(source, clock.Now(), tasks), source.name + ": backfill"));
  }
  return tasks;
}

void TellEnd(const BackfillReport& report) {
  for (const std::string& line : ResultLines(report)) {
    if (report.failures.empty()) {
      LogInfo("backfill has ended", {{"result", line}});
    } else {
      LogError("backfill is not complete: it is tried again at the next start", {{"result", line}});
    }
  }
}

}  // namespace

// The lane takes everything and drops what is oldest. This one would rather wait.
class ServiceBackfill::PatientSink final : public SampleSink {
 public:
  explicit PatientSink(SampleLane& lane) : lane_(lane) {}
  absl::Status Append(std::span<const Event> events) override {
    const Spool& spool = lane_.spool();
    if (spool.waiting() > kEventsWaitingMax || spool.bounds().bytes > spool.bytes_max() / 2) {
      return absl::ResourceExhaustedError("backfill: live samples come first");
    }
    return lane_.Append(events);
  }

 private:
  SampleLane& lane_;
};

struct ServiceBackfill::Metrics {
  explicit Metrics(prometheus::Registry& registry)
      : left_seconds(GaugeFamily(registry, "alertjoin_backfill_left_seconds",
                                 "Time that is still to be backfilled, of all queries together.")),
        samples(GaugeFamily(registry, "alertjoin_backfill_samples",
                            "Samples backfilled since the start.")),
        failures(GaugeFamily(registry, "alertjoin_backfill_failures",
                             "Time ranges that could not be backfilled since the start.")) {}

  prometheus::Family<prometheus::Gauge>& left_seconds;
  prometheus::Family<prometheus::Gauge>& samples;
  prometheus::Family<prometheus::Gauge>& failures;

  struct OfSource {
    OwnedGauge left_seconds;
    OwnedGauge samples;
    OwnedGauge failures;
  };
  OfSource& Of(const std::string& source) {
    const prometheus::Labels labels = {{"source", source}};
    OfSource& gauges = by_source[source];
    if (!gauges.samples) {
      gauges = {OwnedGauge(left_seconds, labels), OwnedGauge(samples, labels),
                OwnedGauge(failures, labels)};
    }
    return gauges;
  }
  std::map<std::string, OfSource> by_source;  // The runner's thread only.
};

ServiceBackfill::ServiceBackfill(const IngestConfig& config, SampleLane& lane,
                                 CorrelatorStore& store, prometheus::Registry& registry,
                                 const Clock& clock)
    : config_(config),
      sink_(std::make_unique<PatientSink>(lane)),
      store_(store),
      metrics_(std::make_unique<Metrics>(registry)),
      clock_(clock) {}

ServiceBackfill::~ServiceBackfill() {
  store_.Cancel(cancelled_);
  if (thread_.joinable()) thread_.join();
}

absl::Status ServiceBackfill::Check(const IngestConfig& config, const Clock& clock) {
  return TasksOf(config, clock).status();
}

absl::StatusOr<std::unique_ptr<ServiceBackfill>> ServiceBackfill::Start(
    const IngestConfig& config, SampleLane& lane, CorrelatorStore& store,
    prometheus::Registry& registry, const Clock& clock) {
  ASSIGN_OR_RETURN(const auto tasks, TasksOf(config, clock));
  if (tasks.empty()) return std::unique_ptr<ServiceBackfill>();
  RETURN_IF_ERROR(BackfillState::Open(BackfillFolderOf(config), "").status());
  auto service =
      std::unique_ptr<ServiceBackfill>(new ServiceBackfill(config, lane, store, registry, clock));
  service->thread_ = StartThread("backfill-end", [&service = *service] { service.Follow(); });
  return service;
}

void ServiceBackfill::Follow() {
  std::optional<CorrelatorStore::Known> known;
  while (auto now = store_.WaitOther(known, cancelled_)) {
    const bool again = now->losses > (known ? known->losses : 0);
    known = *std::move(now);
    if (runner_ != nullptr) runner_->Stop();
    const absl::Status begun = Begin(*known, again);
    if (!begun.ok()) LogError("nothing is backfilled", {{"error", MessageOf(begun)}});
  }
  // While it is there: it publishes.
  if (runner_ != nullptr) runner_->Stop();
}

absl::Status ServiceBackfill::Begin(const CorrelatorStore::Known& store, bool again) {
  told_ = false;
  BackfillRunner::Options options;
  ASSIGN_OR_RETURN(options.tasks, TasksOf(config_, clock_));
  options.state_folder = BackfillFolderOf(config_);
  options.store_id = store.id;
  options.again = again;
  options.after_step = [this] { Publish(); };
  ASSIGN_OR_RETURN(runner_, BackfillRunner::Create(std::move(options), *sink_, clock_));
  runner_->Start();
  return absl::OkStatus();
}

void ServiceBackfill::Publish() {
  struct Sums {
    Millis left{0};
    uint64_t samples = 0;
    size_t failures = 0;
  };
  std::map<std::string, Sums> by_source;
  const std::vector<BackfillReport> reports = runner_->Reports();
  for (const BackfillReport& report : reports) {
    Sums& sums = by_source[report.query.source];
    sums.left += report.left;
    sums.samples += report.samples;
    sums.failures += report.failures.size();
  }
  for (const auto& [source, sums] : by_source) {
    Metrics::OfSource& gauges = metrics_->Of(source);
    gauges.left_seconds.Set(static_cast<double>(sums.left.count()) / 1000);
    gauges.samples.Set(static_cast<double>(sums.samples));
    gauges.failures.Set(static_cast<double>(sums.failures));
  }
  const bool ended = std::all_of(reports.begin(), reports.end(),
                                 [](const BackfillReport& report) { return report.finished; });
  if (!ended || std::exchange(told_, true)) return;
  for (const BackfillReport& report : reports) TellEnd(report);
}

}  // namespace alertjoin

#include "ingest-service/backfill/backfill_runner.h"

#include <utility>

#include "common/status/status.h"

namespace alertjoin {

BackfillRunner::BackfillRunner(Options options, BackfillState state, SampleSink& sink,
                               const Clock& clock)
    : options_(std::move(options)),
      state_(std::move(state)),
      clock_(clock),
      loop_("backfill", clock),
      backfill_({sink, loop_, clock}, {options_.attempts_max}) {
  for (const Task& task : options_.tasks) Add(task);
}

absl::StatusOr<std::unique_ptr<BackfillRunner>> BackfillRunner::Create(Options options,
                                                                       SampleSink& sink,
                                                                       const Clock& clock) {
  ASSIGN_OR_RETURN(BackfillState state,
                   BackfillState::Open(options.state_folder, options.store_id));
  return std::unique_ptr<BackfillRunner>(
      new BackfillRunner(std::move(options), std::move(state), sink, clock));
}

BackfillRunner::~BackfillRunner() { Stop(); }

void BackfillRunner::Add(const Task& task) {
  const MetricsSourceOptions& source = task.source;
  auto& client = clients_[source.name];
  if (client == nullptr) {
    HttpClient& http =
        *http_clients_.emplace_back(std::make_unique<HttpClient>(source.http, transport_, clock_));
    client = std::make_unique<PrometheusClient>(
        PrometheusClientOptions{source.name, source.url, source.timeout, {}}, http);
  }
  TimeRanges done;
  if (!options_.again) done = state_.Load(task.task);
  // Also when all is done again: whoever is killed in the midst of that goes on there.
  auto remember = [this, of = task.task](const TimeRanges& ranges) {
    return state_.Save(of, ranges);
  };
  backfill_.Add({task.task, *client, source.lookback, std::move(done), std::move(remember),
                 options_.kept_from, task.requests_per_second});
}

void BackfillRunner::Start() {
  loop_.Start([this] {
    const Timestamp next = backfill_.Step();
    if (options_.after_step) options_.after_step();
    if (backfill_.finished()) {
      MutexLock lock(mutex_);
      finished_ = true;
      changed_.NotifyAll();
    }
    return next;
  });
}

void BackfillRunner::Stop() {
  // The loop first: what the transport then breaks off is posted to nobody.
  loop_.Stop();
  transport_.Stop();
}

bool BackfillRunner::WaitFinished(std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  while (!finished_) {
    if (!changed_.WaitUntil(mutex_, deadline)) return finished_;
  }
  return true;
}

}  // namespace alertjoin

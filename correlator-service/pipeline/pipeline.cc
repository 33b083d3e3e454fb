#include "correlator-service/pipeline/pipeline.h"

#include <utility>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// A round is applied and published as a whole: this bounds its memory and its delay.
constexpr size_t kRoundBatchesMax = 64;

}  // namespace

Pipeline::Pipeline(PipelineOptions options, RowStore& store, const Clock& clock,
                   prometheus::Registry& registry)
    : options_(options),
      store_(store),
      clock_(clock),
      queue_(options.queue_batches_max),
      metrics_(registry),
      engine_(options.engine) {}

Pipeline::~Pipeline() { Stop(); }

void Pipeline::Start() {
  writer_ = std::thread([this] { Run(); });
}

void Pipeline::Stop() {
  queue_.Close();
  if (writer_.joinable()) writer_.join();
}

bool Pipeline::TryPush(IntakeBatch&& batch) { return queue_.TryPush(std::move(batch)); }

void Pipeline::Run() {
  auto next_expiry = clock_.SteadyNow() + options_.expiry_interval;
  while (true) {
    std::vector<IntakeBatch> round = queue_.PopUpToBefore(next_expiry, kRoundBatchesMax);
    if (!round.empty()) {
      ApplyRound(std::move(round));
    } else if (queue_.closed()) {
      return;
    }
    if (clock_.SteadyNow() >= next_expiry) {
      Expire();
      next_expiry = clock_.SteadyNow() + options_.expiry_interval;
    }
  }
}

void Pipeline::ApplyRound(std::vector<IntakeBatch> round) {
  std::vector<Event> events;
  std::vector<Gap> gaps;
  bool has_progress = false;
  for (IntakeBatch& batch : round) {
    for (Event& event : batch.events) {
      if (const auto* const gap = std::get_if<Gap>(&event)) gaps.push_back(*gap);
      has_progress = has_progress || std::holds_alternative<QueryProgress>(event);
      events.push_back(std::move(event));
    }
  }
  const Timestamp now = clock_.Now();
  metrics_.CountEvents(events);
  std::vector<JoinedRow> changes = engine_.Apply(std::move(events), now);
  metrics_.CountDelays(changes, now);
  CHECK(store_.Commit({.changes = std::move(changes), .gaps = std::move(gaps)}).ok());
  if (has_progress) {
    store_.PublishProgress(std::make_shared<const ProgressBoard>(engine_.Progress()));
  }
  metrics_.Publish(engine_.stats());
  for (const IntakeBatch& batch : round) {
    if (batch.applied) batch.applied();
  }
}

void Pipeline::Expire() {
  const Timestamp now = clock_.Now();
  std::vector<JoinedRow> changes =
      engine_.Expire(now - options_.sample_retention, now - options_.row_retention, now);
  CHECK(store_.Commit({.changes = std::move(changes)}).ok());
  metrics_.Publish(engine_.stats());
}

}  // namespace alertjoin

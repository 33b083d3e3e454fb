#include "correlator-service/pipeline/round_writer.h"

#include <utility>

#include "common/log/log.h"
#include "common/log/log_format.h"
#include "common/status/status.h"
#include "common/sync/thread.h"
#include "common/text/trace_parent.h"
#include "correlator-service/pipeline/apply_round.h"

namespace alertjoin {
namespace {

// Of a round that carries over: some megabytes.
constexpr size_t kCarriedEventsMax = 16;

// Says which are applied, so that an alert can be followed by its trace.
void LogTransitions(const Round& round) {
  if (!IsLogged(LogLevel::kDebug)) return;
  for (const Event& event : round.events) {
    const TransitionEvent* const transition = TransitionOf(event);
    if (transition == nullptr) continue;
    LogDebug("transition is applied",
             {{"source", transition->source},
              {"fingerprint", transition->fingerprint},
              {"state", transition->state == AlertState::kResolved ? "resolved" : "firing"},
              {"trace_id", std::string(TraceIdOf(transition->traceparent))}});
  }
}

}  // namespace

RoundWriter::RoundWriter(Engine& engine, RowStore& store, RoundLog& log, RoundLogger& logger,
                         BoundedQueue<LoggedRound>& logged, prometheus::Registry& registry,
                         std::function<void(const absl::Status&)> failed)
    : engine_(engine),
      store_(store),
      log_(log),
      logger_(logger),
      logged_(logged),
      turns_([&logged] { logged.Wake(); }),
      metrics_(registry),
      failed_(std::move(failed)) {}

RoundWriter::~RoundWriter() { Join(); }

void RoundWriter::Start() {
  metrics_.StartFrom(engine_.stats());
  thread_ = StartThread("round-writer", [this] { Run(); });
}

void RoundWriter::Join() {
  if (thread_.joinable()) thread_.join();
}

void RoundWriter::Run() {
  for (;;) {
    // One only: the logger, when it waits for room, and those behind it, wait for no more.
    std::vector<LoggedRound> rounds = logged_.PopUpToOrWake(1);
    if (rounds.empty() && logged_.ended()) break;
    absl::Status status;
    if (!rounds.empty()) status = ApplyCounted(std::move(rounds.front()));
    turns_.Run(engine_);
    if (status.ok()) continue;
    // The logger must not wait for room here.
    logged_.Close();
    failed_(status);
    break;
  }
  turns_.Close();
}

absl::Status RoundWriter::ApplyCounted(LoggedRound logged) {
  const size_t events = logged.events();
  const absl::Status status = Apply(std::move(logged));
  if (status.ok()) metrics_.join().Finish(events);
  return status;
}

absl::Status RoundWriter::Apply(LoggedRound logged) {
  LogTransitions(logged.round);
  const Timestamp time = logged.round.time;
  const bool is_expiry = logged.round.horizons && logged.round.events.empty();
  const bool has_progress = ChangesProgress(logged.round);
  metrics_.CountEvents(logged.round.events, logged.continued);
  RowCommit commit = ApplyRound(engine_, logged.position, std::move(logged.round));
  metrics_.CountDelays(commit.changes, time);
  const size_t changes = commit.changes.size();
  metrics_.rows_stage().Begin(changes);
  RETURN_IF_ERROR(store_.Commit(std::move(commit)).status());
  metrics_.rows_stage().Finish(changes);
  if (has_progress) {
    store_.PublishProgress(std::make_shared<const ProgressBoard>(engine_.Progress()));
  }
  metrics_.Publish(engine_.stats());
  if (logged.trim_before != LogPosition()) return Trim(logged.trim_before);
  if (is_expiry && !carrying_) CarryOver();
  return absl::OkStatus();
}

void RoundWriter::CarryOver() {
  const auto trimmable = log_.FindTrimmable(engine_.sample_horizon());
  if (!trimmable) return;
  std::vector<Round> rounds(1);
  rounds.back().producers = log_.Producers();
  for (Event& event : engine_.CarryOver(trimmable->newest_sample)) {
    if (rounds.back().carried.size() >= kCarriedEventsMax) rounds.emplace_back();
    rounds.back().carried.push_back(std::move(event));
  }
  carrying_ = true;
  logger_.Carry(std::move(rounds), trimmable->before);
}

absl::Status RoundWriter::Trim(LogPosition before) {
  // What the trimmed records made must not be lost when the machine stops.
  RETURN_IF_ERROR(store_.Sync());
  RETURN_IF_ERROR(log_.Trim(before));
  carrying_ = false;
  logger_.NotifyRoom();
  LogInfo("event log trimmed", {{"before", std::to_string(before.value())}});
  return absl::OkStatus();
}

}  // namespace alertjoin

// How ExactQueries tries one pending task: the queries of it, and what their answers lead to.

#include <utility>

#include "common/status/status.h"
#include "ingest-service/prometheus/exact_queries.h"
#include "ingest-service/prometheus/exact_queries_state.h"
#include "ingest-service/prometheus/poll_plan.h"

namespace alertjoin {
namespace {

constexpr char kExactLane[] = "exact";

}  // namespace

void ExactQueries::StartAttempt(Pending& pending, Timestamp now) {
  ++pending.state.in_flight;
  ++pending.state.source.in_flight;
  auto attempt = std::make_shared<Attempt>(pending, environment_.clock.SteadyNow());
  if (SettlesAt(pending) <= now) attempt->phase = ExactTask::Phase::kSettled;
  SendExact(attempt);
}

void ExactQueries::SendExact(const std::shared_ptr<Attempt>& attempt) {
  const Timestamp time = attempt->pending.task.time;
  PrometheusClient& client = attempt->pending.state.source.client;
  const Query& query = *attempt->pending.state.cache->query();
  const bool raw = query.time_kind == TimeKind::kSample;
  const bool presence = raw && attempt->phase == ExactTask::Phase::kSettled;
  attempt->exact_answers = presence ? 2 : 1;
  attempt->awaited = attempt->exact_answers;
  attempt->answers.assign(attempt->exact_answers, absl::UnknownError("no answer"));
  if (!raw) {
    return client.InstantQuery(query.expression, time, kExactLane, Await(attempt, 0));
  }
  client.InstantQuery(RangeSelector(query.expression, attempt->window), time, kExactLane,
                      Await(attempt, 0));
  if (presence) client.InstantQuery(query.expression, time, kExactLane, Await(attempt, 1));
}

PrometheusClient::Done ExactQueries::Await(const std::shared_ptr<Attempt>& attempt, size_t index) {
  return [this, attempt, index](absl::StatusOr<QueryResult> answer) {
    auto shared = std::make_shared<absl::StatusOr<QueryResult>>(std::move(answer));
    environment_.executor.Post([this, attempt, index, shared] {
      const auto took =
          std::chrono::duration_cast<Millis>(environment_.clock.SteadyNow() - attempt->started);
      if (shared->ok())
        attempt->asked_at = std::min(attempt->asked_at, AskedAtMost(**shared, took));
      attempt->answers[index] = std::move(*shared);
      if (--attempt->awaited == 0) Finish(attempt);
    });
  };
}

bool ExactQueries::LookUpStarts(const std::shared_ptr<Attempt>& attempt) {
  if (attempt->looked_up) return false;
  attempt->looked_up = true;
  Pending& pending = attempt->pending;
  attempt->alerts_looked_up = pending.task.resolved.size();
  const absl::StatusOr<QueryResult>& at_time = attempt->answers[0];
  if (!at_time.ok() || at_time->partial) return false;
  const StartLookUps look_ups = StartsToLookUp(pending.task, *at_time, *pending.state.cache);
  attempt->alerts_looked_up = look_ups.alerts;
  if (look_ups.starts.empty()) return false;
  size_t index = attempt->answers.size();
  attempt->answers.resize(index + look_ups.starts.size(), absl::UnknownError("no answer"));
  attempt->awaited = look_ups.starts.size();
  for (const Timestamp start : look_ups.starts) {
    pending.state.source.client.InstantQuery(pending.state.cache->query()->expression, start,
                                             kExactLane, Await(attempt, index++));
  }
  return true;
}

void ExactQueries::Finish(const std::shared_ptr<Attempt>& attempt) {
  Pending& pending = attempt->pending;
  QueryState& state = pending.state;
  if (state.cache->query()->time_kind == TimeKind::kEvaluation && LookUpStarts(attempt)) return;

  const Timestamp now = environment_.clock.Now();
  --state.in_flight;
  --state.source.in_flight;
  ReleaseParked(state, now);
  // Our clock may be ahead of the source's, which has still to come to where all has settled.
  if (attempt->asked_at < SettlesAt(pending)) attempt->phase = ExactTask::Phase::kAtOnce;
  const auto taken = Take(*attempt, now);
  if (!taken.ok()) return OnFailure(pending, taken.status(), now);
  OnTaken(*attempt, *taken, now);
}

absl::StatusOr<ExactQueries::Taken> ExactQueries::Take(Attempt& attempt, Timestamp now) {
  Pending& pending = attempt.pending;
  SeriesCache& cache = *pending.state.cache;
  const std::string& source = cache.query()->source;
  std::vector<QueryResult> results;
  Taken taken;
  for (auto& answer : attempt.answers) {
    RETURN_IF_ERROR(answer);
    taken.partial |= answer->partial;
    taken.may_heal |= answer->may_heal;
    environment_.metrics.CountHistograms(source, answer->histograms_skipped);
    results.push_back(*std::move(answer));
  }
  const ExactTask task{pending.task.time, attempt.phase, attempt.window, {}};
  {
    SampleTransaction transaction(cache, now);
    if (cache.query()->time_kind == TimeKind::kSample) {
      const bool settled = attempt.phase == ExactTask::Phase::kSettled;
      const QueryResult* presence = settled && attempt.exact_answers > 1 ? &results[1] : nullptr;
      ApplyExactSelector(task, pending.state.source.options.lookback, {results[0], presence},
                         transaction);
    } else {
      const QueryResult at_time = std::move(results[0]);
      results.erase(results.begin());
      const bool all_starts = attempt.alerts_looked_up == pending.task.resolved.size() &&
                              !pending.alerts_refused && !pending.starts_lacking;
      ApplyExactExpression(task, {at_time, results, all_starts}, transaction);
    }
    RETURN_IF_ERROR(transaction.Commit(environment_.sink));
    environment_.metrics.CountTaken(source, transaction);
  }
  const bool raw = cache.query()->time_kind == TimeKind::kSample;
  environment_.caches.Forget(cache, raw ? Millis(0) : kExpressionsKept, now);
  return taken;
}

}  // namespace alertjoin

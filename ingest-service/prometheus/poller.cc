#include "ingest-service/prometheus/poller.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/status/status.h"
#include "ingest-service/prometheus/query_fault.h"

namespace alertjoin {
namespace {

constexpr char kPollLane[] = "poll";
constexpr Millis kPollRetryFirst = std::chrono::seconds(1);

uint64_t HashOf(const Query& query) {
  return LabelSet{{"source", query.source}, {"name", query.name}, {"expr", query.expression}}
      .Fingerprint();
}

// A source that fails is asked less and less often, but never less often than it would be polled:
// that it is well again is seen within one poll.
Millis RetryCapOf(const MetricsSourceOptions& options) {
  Millis shortest = options.learn.interval;
  for (const QueryOptions& query : options.queries) shortest = std::min(shortest, query.interval);
  return std::clamp(shortest, kPollRetryFirst, kRetryCap);
}

}  // namespace

Poller::Source::Source(const MetricsSourceOptions& source_options, PrometheusClient& source_client,
                       const Clock& clock)
    : options(source_options),
      client(source_client),
      backoff(kPollRetryFirst, RetryCapOf(source_options),
              LabelSet{{"source", source_options.name}}.Fingerprint()),
      log_limiter(kLogInterval, clock) {}

absl::Status Poller::AddSource(const MetricsSourceOptions& options, PrometheusClient& client) {
  const Timestamp now = environment_.clock.Now();
  Source& source =
      *sources_.emplace_back(std::make_unique<Source>(options, client, environment_.clock));
  for (const QueryOptions& query_options : options.queries) {
    auto polled = Polled(source, query_options, now);
    if (polled == nullptr) {
      return absl::ResourceExhaustedError(fmt::format(
          "metrics source {}: query {}: too many queries", options.name, query_options.name));
    }
    queries_.push_back(std::move(polled));
  }
  return absl::OkStatus();
}

std::shared_ptr<Poller::PolledQuery> Poller::Polled(Source& source,
                                                    const QueryOptions& query_options,
                                                    Timestamp now) {
  const Query query = QueryOf(source.options.name, query_options);
  auto cache = environment_.caches.Find(query, now);
  if (cache == nullptr) return nullptr;
  const PollTerms terms = TermsOf(source.options, query_options);
  PollSchedule schedule(terms.interval, StablePhase(terms.interval, HashOf(query)), now);
  return std::make_shared<PolledQuery>(
      PolledQuery{source, std::move(cache), terms, schedule, {}, false});
}

void Poller::SetLearnt(const std::string& source_name,
                       const std::vector<std::string>& expressions) {
  const Timestamp now = environment_.clock.Now();
  const auto source = std::ranges::find_if(
      sources_, [&](const auto& each) { return each->options.name == source_name; });
  if (source == sources_.end()) return;
  std::set<std::string> wanted(expressions.begin(), expressions.end());
  std::erase_if(queries_, [&](const auto& query) {
    if (!query->learnt || &query->source != source->get()) return false;
    // What is polled already is not to be added.
    return wanted.erase(query->cache->query()->expression) == 0;
  });
  for (const std::string& expression : wanted) {
    QueryOptions options;
    options.name = expression;
    options.expression = expression;
    options.interval = (*source)->options.learn.interval;
    auto polled = Polled(**source, options, now);
    if (polled == nullptr) {
      if (!(*source)->log_limiter.Allow()) continue;
      LogWarn("a learnt query is not polled: too many queries",
              {{"source", source_name}, {"query", expression}});
      continue;
    }
    polled->learnt = true;
    queries_.push_back(std::move(polled));
  }
}

Timestamp Poller::Step() {
  const Timestamp now = environment_.clock.Now();
  Timestamp next = Timestamp::Max();
  for (const auto& query : queries_) {
    const Timestamp blocked_until = query->source.backoff.BlockedUntil(now);
    const auto decision = query->schedule.Step(now, blocked_until);
    environment_.metrics.CountSkipped(query->source.options.name, decision);
    if (decision.poll) StartPoll(query, now);
    next = std::min(next, query->schedule.NextDue());
  }
  return next;
}

void Poller::StartPoll(const std::shared_ptr<PolledQuery>& polled, Timestamp now) {
  PolledQuery& query = *polled;
  const Timestamp source_now = now - query.source.behind;
  const std::string& expression = query.cache->query()->expression;
  PrometheusClient& client = query.source.client;
  auto round = std::make_shared<Round>(
      Round{query, now, environment_.clock.SteadyNow(), {}, {}, {}, Timestamp::Max(), 0, polled});
  if (query.cache->query()->time_kind == TimeKind::kSample) {
    round->selector = PlanSelectorPoll(query.terms, query.progress, source_now);
    round->awaited = 2;
    round->answers.resize(2, absl::UnknownError("no answer"));
    client.InstantQuery(RangeSelector(expression, round->selector.window), round->selector.at,
                        kPollLane, Await(round, 0));
    client.InstantQuery(expression, round->selector.settled, kPollLane, Await(round, 1));
  } else {
    round->grid = PlanGridPoll(query.terms, query.progress, source_now);
    round->awaited = 1;
    round->answers.resize(1, absl::UnknownError("no answer"));
    client.RangeQuery(expression, round->grid.grid.start, round->grid.grid.end,
                      round->grid.grid.step, kPollLane, Await(round, 0));
  }
}

PrometheusClient::Done Poller::Await(const std::shared_ptr<Round>& round, size_t index) {
  return [this, round, index](absl::StatusOr<QueryResult> answer) {
    auto shared = std::make_shared<absl::StatusOr<QueryResult>>(std::move(answer));
    environment_.executor.Post([this, round, index, shared] {
      const auto took = std::chrono::duration_cast<Millis>(environment_.clock.SteadyNow() -
                                                           round->started_steady);
      if (shared->ok()) {
        round->asked_at = std::min(round->asked_at, AskedAtMost(**shared, took));
        const Millis behind = BehindAtLeast(**shared, round->started);
        round->query.source.behind = behind <= kClockBehindMax ? behind : Millis(0);
      }
      round->answers[index] = std::move(*shared);
      if (--round->awaited == 0) Finish(*round);
    });
  };
}

void Poller::Finish(Round& round) {
  const Timestamp now = environment_.clock.Now();
  PolledQuery& query = round.query;
  const std::string& source = query.source.options.name;
  const auto taken = Take(round, now);
  const std::chrono::duration<double> took = environment_.clock.SteadyNow() - round.started_steady;
  const char* const outcome = !taken.ok() ? "failed" : taken->partial ? "partial" : "ok";
  environment_.metrics.CountPoll(source, outcome, took.count());
  if (!taken.ok()) return OnFailure(round, taken.status(), now);
  const bool raw = query.cache->query()->time_kind == TimeKind::kSample;
  const Timestamp from =
      raw ? round.selector.at - round.selector.window : round.grid.grid.start - Millis(1);
  Timestamp through = raw ? round.selector.at : round.grid.at;
  // What its clock has still to come to has not been taken.
  if (through - round.asked_at <= kClockBehindMax) through = std::min(through, round.asked_at);
  if (from < through) query.progress.OnTaken(from, through, taken->may_heal);
  ClearFault(*query.cache, now, environment_.sink);
  query.source.backoff.OnSuccess(round.started);
  query.schedule.OnFinished(std::nullopt);
}

absl::StatusOr<Poller::Taken> Poller::Take(Round& round, Timestamp now) {
  PolledQuery& query = round.query;
  const std::string& source = query.source.options.name;
  Taken taken;
  for (const auto& answer : round.answers) {
    RETURN_IF_ERROR(answer);
    taken.partial |= answer->partial;
    taken.may_heal |= answer->may_heal;
    environment_.metrics.CountHistograms(source, answer->histograms_skipped);
  }
  // What the next poll goes on from is kept, however far in the past this one was.
  Timestamp kept_from;
  {
    SampleTransaction transaction(*query.cache, now);
    if (query.cache->query()->time_kind == TimeKind::kSample) {
      kept_from = round.selector.settled - round.selector.window;
      ApplySelectorPoll(round.selector, query.terms.lookback, round.asked_at, *round.answers[0],
                        *round.answers[1], transaction);
    } else {
      kept_from = std::min(round.grid.grid.start, now - kExpressionsKept);
      ApplyGridPoll(round.grid, *round.answers[0], transaction);
    }
    RETURN_IF_ERROR(transaction.Commit(environment_.sink));
    environment_.metrics.CountTaken(source, transaction);
  }
  environment_.caches.Forget(*query.cache, now - kept_from, now);
  return taken;
}

bool Poller::AsksForLess(Round& round) {
  const bool too_much = std::ranges::any_of(round.answers, [](const auto& answer) {
    return !answer.ok() && MayBeTooMuch(answer.status());
  });
  if (!too_much) return false;
  PolledQuery& query = round.query;
  const bool raw = query.cache->query()->time_kind == TimeKind::kSample;
  const Millis span = raw ? round.selector.window : round.grid.grid.end - round.grid.grid.start;
  return query.progress.OnTooMuch(span, UsualSpan(query.terms));
}

void Poller::OnFailure(Round& round, const absl::Status& status, Timestamp now) {
  PolledQuery& query = round.query;
  const Query& of = *query.cache->query();
  environment_.metrics.CountError(of.source, status);
  const bool asks_for_less = AsksForLess(round);
  if (asks_for_less && absl::IsResourceExhausted(status)) {
    // The source is well, and nothing need be wrong with the query.
    if (query.source.log_limiter.Allow()) {
      LogWarn("poll asked for too much at once: asking for less",
              {{"source", of.source}, {"query", of.name}, {"error", MessageOf(status)}});
    }
    query.source.backoff.OnSuccess(round.started);
    return query.schedule.OnFinished(std::nullopt);
  }
  if (IsOfQuery(status)) {
    // The source is well; only this query is complained of, once. It goes on being asked at its own
    // pace, so that its healing is seen within one poll.
    ReportFault(*query.cache, status, now, environment_.sink);
    query.source.backoff.OnSuccess(round.started);
    return query.schedule.OnFinished(std::nullopt);
  }
  if (query.source.log_limiter.Allow()) {
    LogWarn("poll failed",
            {{"source", of.source}, {"query", of.name}, {"error", MessageOf(status)}});
  }
  query.schedule.OnFinished(query.source.backoff.OnFailure(round.started, now));
}

}  // namespace alertjoin

#include "ingest-service/prometheus/exact_queries.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/status/status.h"
#include "ingest-service/prometheus/exact_queries_state.h"
#include "ingest-service/prometheus/query_fault.h"

namespace alertjoin {
namespace {

constexpr Millis kRetryFirst = std::chrono::milliseconds(500);
constexpr Millis kRetryMost = std::chrono::seconds(30);

// When an answer that was of no use is asked for again: after this, and each time twice as much.
constexpr Millis kAgainFirst = std::chrono::seconds(1);
constexpr Millis kAgainMost = std::chrono::minutes(5);
constexpr int kAgainMax = 12;
// How long what is refused is gathered for one Gap of each query.
constexpr Millis kTellRefusedEvery = std::chrono::seconds(10);

std::optional<ResolvedAlert> ResolvedAlertOf(const TransitionEvent& transition,
                                             const Binding& binding) {
  if (transition.state != AlertState::kResolved) return std::nullopt;
  if (binding.query.time_kind == TimeKind::kSample) return std::nullopt;
  return ResolvedAlert{transition.labels, transition.starts_at, binding.matching, binding.on};
}

}  // namespace

ExactQueries::ExactQueries(Environment environment, ExactQueriesOptions options)
    : environment_(environment),
      options_(options),
      settled_(options.settled_remembered),
      log_limiter_(kLogInterval, environment.clock) {}

ExactQueries::~ExactQueries() = default;

void ExactQueries::AddSource(const MetricsSourceOptions& options, PrometheusClient& client) {
  sources_.emplace(options.name, std::make_unique<Source>(Source{options, client, 0, {}}));
}

bool ExactQueries::Admit(const Wish& wish, Timestamp now) {
  const std::string& source = wish.query.source;
  if (sources_.count(source) == 0) {
    environment_.metrics.CountExact("", "unknown_source");
  } else if (wish.time > now + options_.ahead_max) {
    environment_.metrics.CountExact(source, "too_far_ahead");
  } else if (++pending_ > options_.pending_max) {
    --pending_;
    Refuse(wish);
  } else {
    return true;
  }
  return false;
}

void ExactQueries::OnTransitions(std::span<const TransitionEvent> transitions) {
  std::vector<Wish> wishes;
  for (const TransitionEvent& transition : transitions) {
    for (const Shared<Binding>& shared : transition.bindings) {
      const Binding& binding = *shared;
      wishes.push_back({binding.query, transition.event_time(), WindowOf(binding),
                        ResolvedAlertOf(transition, binding)});
      // The value that set the alert off, before its `for` had passed.
      if (transition.active_at && *transition.active_at != transition.event_time()) {
        wishes.push_back({binding.query, *transition.active_at, WindowOf(binding), std::nullopt});
      }
    }
  }
  Ask(std::move(wishes));
}

void ExactQueries::Ask(std::vector<Wish> wishes) {
  const Timestamp now = environment_.clock.Now();
  const size_t wished = wishes.size();
  std::erase_if(wishes, [this, now](const Wish& wish) { return !Admit(wish, now); });
  if (wished == 0) return;
  {
    MutexLock lock(mutex_);
    inbox_.insert(inbox_.end(), std::make_move_iterator(wishes.begin()),
                  std::make_move_iterator(wishes.end()));
  }
  // The step after it empties the inbox, and tells of what was refused.
  environment_.executor.Post([] {});
}

void ExactQueries::Refuse(const Wish& wish) {
  environment_.metrics.CountExact(wish.query.source, "refused");
  MutexLock lock(mutex_);
  refused_.Add(wish.query, wish.time);
}

Timestamp ExactQueries::Step() {
  const Timestamp now = environment_.clock.Now();
  std::vector<Wish> wishes;
  {
    MutexLock lock(mutex_);
    wishes.swap(inbox_);
  }
  for (Wish& wish : wishes) Accept(std::move(wish), now);

  Timestamp next = TellRefused(now);
  for (const auto& [name, source] : sources_) {
    while (!source->waiting.empty() && source->in_flight < options_.in_flight_per_source) {
      const auto first = source->waiting.begin();
      if (std::get<Timestamp>(*first) > now) {
        next = std::min(next, std::get<Timestamp>(*first));
        break;
      }
      Pending& pending = *std::get<Pending*>(*first);
      source->waiting.erase(first);
      StartOrHold(pending, now);
    }
  }
  environment_.metrics.SetExactPending(pending_);
  return next;
}

bool ExactQueries::IsSettled(const Wish& wish, const SeriesCache& cache) const {
  const auto window = settled_.WindowOf(wish.query, wish.time);
  if (!window.has_value()) return false;
  if (wish.query.time_kind == TimeKind::kSample) return wish.window <= *window;
  if (!wish.resolved.has_value()) return true;
  // An alert that was not among those asked for then.
  return cache.AnyOf([&](const KnownSeries& series) {
    return series.history.AsOf(wish.time).has_value() &&
           BelongsTo(*wish.resolved, series.key->labels);
  });
}

ExactQueries::QueryState* ExactQueries::StateOf(const Query& query, Timestamp now) {
  auto& state = states_[query];
  if (state != nullptr) return state.get();
  auto cache = environment_.caches.Find(query, now);
  if (cache == nullptr) {
    states_.erase(query);
    return nullptr;
  }
  const uint64_t seed = LabelSet{{"expr", query.expression}}.Fingerprint();
  state = std::make_unique<QueryState>(QueryState{*sources_.at(query.source),
                                                  std::move(cache),
                                                  Backoff(kRetryFirst, kRetryMost, seed),
                                                  Timestamp::Min(),
                                                  false,
                                                  0,
                                                  {},
                                                  {}});
  return state.get();
}

void ExactQueries::Accept(Wish wish, Timestamp now) {
  QueryState* state = StateOf(wish.query, now);
  if (state == nullptr) {
    --pending_;
    return Refuse(wish);
  }
  const bool running = state->pending.count(wish.time) > 0;
  if (!running && IsSettled(wish, *state->cache)) {
    --pending_;
    if (state->pending.empty()) states_.erase(wish.query);
    return;
  }
  auto& pending = state->pending[wish.time];
  if (running) {
    --pending_;
  } else {
    const Timestamp settles_at = wish.time + state->source.options.settle_delay;
    ExactTask task{wish.time, ExactTask::Phase::kAtOnce, Millis(0), {}};
    if (settles_at <= now) task.phase = ExactTask::Phase::kSettled;
    const Timestamp give_up_at = std::max(now, settles_at) + options_.give_up_after;
    pending =
        std::make_unique<Pending>(Pending{*state, std::move(task), next_serial_++, give_up_at});
    // A transition may lie ahead of this machine's clock.
    Enqueue(*pending, std::max(now, wish.time));
  }
  ExactTask& task = pending->task;
  task.window = std::max(task.window, wish.window);
  if (wish.resolved.has_value()) AddResolved(*pending, std::move(*wish.resolved));
}

void ExactQueries::AddResolved(Pending& pending, ResolvedAlert alert) {
  if (resolved_ == options_.resolved_max) {
    pending.alerts_refused = true;
    return environment_.metrics.CountExact(pending.state.cache->query()->source, "refused");
  }
  ++resolved_;
  pending.task.resolved.push_back(std::move(alert));
}

void ExactQueries::RemoveResolved(Pending& pending, size_t count) {
  auto& resolved = pending.task.resolved;
  resolved.erase(resolved.begin(), resolved.begin() + static_cast<std::ptrdiff_t>(count));
  resolved_ -= count;
}

void ExactQueries::Enqueue(Pending& pending, Timestamp ready_at) {
  pending.state.source.waiting.emplace(ready_at, pending.serial, &pending);
}

void ExactQueries::StartOrHold(Pending& pending, Timestamp now) {
  QueryState& state = pending.state;
  // After the clock was set back the wait would be as long as that.
  state.blocked_until = std::min(state.blocked_until, now + kRetryMost);
  if (state.blocked_until > now) {
    if (pending.give_up_at <= now) {
      return GiveUp(pending, "the query kept failing", now);
    }
    return Enqueue(pending, state.blocked_until);
  }
  if (state.in_flight >= LimitOf(state)) return state.parked.push_back(&pending);
  StartAttempt(pending, now);
}

void ExactQueries::OnTaken(const Attempt& attempt, Taken taken, Timestamp now) {
  Pending& pending = attempt.pending;
  QueryState& state = pending.state;
  const Query& query = *state.cache->query();
  ClearFault(*state.cache, now, environment_.sink);
  state.backoff.Reset();
  state.blocked_until = Timestamp::Min();
  state.failing = false;
  // Those that waited for this one try.
  ReleaseParked(state, now);
  const bool settled = attempt.phase == ExactTask::Phase::kSettled;
  const char* outcome = settled ? "settled" : "at_once";
  environment_.metrics.CountExact(query.source, taken.partial ? "partial" : outcome);
  if (!settled) {
    if (pending.give_up_at <= now) {
      return GiveUp(pending, "by the dates of its answers the source has not come to it", now);
    }
    pending.task.phase = ExactTask::Phase::kSettled;
    // However far our clock is ahead of the source's: as long as its own has still to go, but
    // looked after now and then.
    const Timestamp settles_at = SettlesAt(pending);
    const Millis to_go = std::clamp(settles_at - attempt.asked_at, Millis(0), kAgainMost);
    return Enqueue(pending, std::max(now + to_go, settles_at));
  }
  if (taken.may_heal) return AskAgainLater(pending, "the answers lacked something", now);
  pending.starts_lacking = pending.starts_lacking || taken.partial;
  RemoveResolved(pending, attempt.alerts_looked_up);
  // There was too much to look up at once, or another transition has wanted more of it meanwhile.
  const bool more = pending.task.window > attempt.window || !pending.task.resolved.empty();
  if (more) return Enqueue(pending, now);
  if (pending.alerts_refused) return GiveUp(pending, "too many alerts resolved", now);
  if (!pending.starts_lacking) settled_.Add(query, pending.task.time, attempt.window);
  Remove(pending, now);
}

void ExactQueries::OnFailure(Pending& pending, const absl::Status& status, Timestamp now) {
  QueryState& state = pending.state;
  const Query& query = *state.cache->query();
  environment_.metrics.CountExact(query.source, "failed");
  environment_.metrics.CountError(query.source, status);
  if (log_limiter_.Allow()) {
    LogWarn("exact query failed",
            {{"source", query.source}, {"query", query.name}, {"error", MessageOf(status)}});
  }
  if (IsOfQuery(status)) {
    ReportFault(*state.cache, status, now, environment_.sink);
    if (IsPermanent(status)) return GiveUp(pending, MessageOf(status), now);
    return AskAgainLater(pending, MessageOf(status), now);
  }
  state.failing = true;
  state.blocked_until = std::max(state.blocked_until, now + state.backoff.Next());
  if (pending.give_up_at <= now) return GiveUp(pending, MessageOf(status), now);
  if (state.blocked_until >= SettlesAt(pending)) pending.task.phase = ExactTask::Phase::kSettled;
  Enqueue(pending, state.blocked_until);
}

void ExactQueries::AskAgainLater(Pending& pending, const std::string& why, Timestamp now) {
  if (pending.asked_again == kAgainMax) return GiveUp(pending, why, now);
  const Millis wait = std::min(kAgainMost, kAgainFirst * (1 << pending.asked_again++));
  Enqueue(pending, now + wait);
}

void ExactQueries::GiveUp(Pending& pending, const std::string& why, Timestamp now) {
  const Query& query = *pending.state.cache->query();
  const Event gap = GapOf(query, pending.task.time, why);
  TellGaps({&gap, 1});
  Remove(pending, now);
}

Gap ExactQueries::GapOf(const Query& query, Timestamp time, const std::string& why) {
  environment_.metrics.CountExact(query.source, "gave_up");
  return {query.source, query, time, time,
          fmt::format("no exact query at the time of a transition: {}", why)};
}

void ExactQueries::TellGaps(std::span<const Event> gaps) {
  const absl::Status status = environment_.sink.Append(gaps);
  if (!status.ok() && log_limiter_.Allow()) {
    LogWarn("a gap could not be recorded", {{"error", MessageOf(status)}});
  }
}

Timestamp ExactQueries::TellRefused(Timestamp now) {
  std::vector<Event> gaps;
  {
    MutexLock lock(mutex_);
    if (refused_.empty()) return Timestamp::Max();
    // The clock may have been set back.
    tell_refused_at_ = std::min(tell_refused_at_, now + kTellRefusedEvery);
    if (now < tell_refused_at_) return tell_refused_at_;
    tell_refused_at_ = now + kTellRefusedEvery;
    gaps = refused_.TakeGaps();
  }
  TellGaps(gaps);
  return Timestamp::Max();
}

Timestamp ExactQueries::SettlesAt(const Pending& pending) {
  return pending.task.time + pending.state.source.options.settle_delay;
}

size_t ExactQueries::LimitOf(const QueryState& state) const {
  return state.failing ? 1 : options_.in_flight_per_query;
}

void ExactQueries::ReleaseParked(QueryState& state, Timestamp now) {
  const size_t limit = LimitOf(state);
  size_t room = limit - std::min(limit, state.in_flight);
  for (; room > 0 && !state.parked.empty(); --room) {
    Enqueue(*state.parked.front(), now);
    state.parked.pop_front();
  }
}

void ExactQueries::Remove(Pending& pending, Timestamp now) {
  QueryState& state = pending.state;
  const Timestamp time = pending.task.time;
  RemoveResolved(pending, pending.task.resolved.size());
  state.pending.erase(time);
  --pending_;
  ReleaseParked(state, now);
  const Query query = *state.cache->query();
  if (state.pending.empty()) states_.erase(query);
}

}  // namespace alertjoin

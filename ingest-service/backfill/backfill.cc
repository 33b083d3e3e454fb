#include "ingest-service/backfill/backfill.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/status/status.h"
#include "common/time/rfc3339.h"
#include "ingest-service/prometheus/poll_plan.h"

namespace alertjoin {
namespace {

constexpr char kLane[] = "backfill";
constexpr Millis kRetryFirst = std::chrono::milliseconds(500);
constexpr Millis kRetryMost = std::chrono::minutes(1);
// How long a sink without room is left alone.
constexpr Millis kNoRoomPause = std::chrono::milliseconds(200);
constexpr int kFailedChunksInARow = 3;
constexpr Millis kChunkLogInterval = std::chrono::seconds(30);
// Events without samples that are appended together.
constexpr size_t kEventsTogether = 1'000;

// Too much was asked for at once: of our memory, or of the server's.
bool IsTooLarge(const absl::Status& status) {
  if (absl::IsResourceExhausted(status)) return true;
  const std::string message = MessageOf(status);
  return IsOfQuery(status) && (message.find("too many samples") != std::string::npos ||
                               message.find("maximum resolution") != std::string::npos);
}

}  // namespace

struct Backfill::Run {
  Run(Job its_job, size_t its_index)
      : job(std::move(its_job)),
        index(its_index),
        plan(job.task, job.done),
        events(job.task.query, job.lookback) {}

  Job job;
  const size_t index;  // In `reports_`.
  BackfillPlan plan;
  BackfillEvents events;
  std::optional<TimeRange> again;  // The chunk that is to be asked for next.
};

struct Backfill::Source {
  explicit Source(uint64_t seed) : backoff(kRetryFirst, kRetryMost, seed) {}

  std::deque<Run> runs;
  Backoff backoff;
  Timestamp next_request;  // Not before.
  bool asking = false;
  int failures = 0;       // Of tries, since the last success.
  int failed_chunks = 0;  // The same.

  // What was made of the last answers, until the sink has it.
  std::optional<TimeRange> taking;
  BackfillChunkEvents taken;
  size_t appended = 0;  // Of its events.
};

struct Backfill::Chunk {
  Source& source;
  TimeRange range;
  std::vector<absl::StatusOr<QueryResult>> answers;
  size_t awaited = 0;
};

Backfill::Backfill(Environment environment, BackfillOptions options)
    : environment_(environment),
      options_(options),
      log_limiter_(kChunkLogInterval, environment.clock) {}

Backfill::~Backfill() = default;

void Backfill::Add(Job job) {
  const std::string name = job.task.query.source;
  auto& source = sources_[name];
  if (source == nullptr) {
    source = std::make_unique<Source>(LabelSet{{"source", name}}.Fingerprint());
    source->next_request = environment_.clock.Now();
  }
  MutexLock lock(mutex_);
  const Run& run = source->runs.emplace_back(std::move(job), reports_.size());
  BackfillReport& report = reports_.emplace_back();
  report.query = run.job.task.query;
  report.wanted = run.job.task.wanted;
  report.total = run.plan.left();
  report.left = report.total;
}

void Backfill::Update(Run& run, const std::function<void(BackfillReport&)>& change) {
  MutexLock lock(mutex_);
  BackfillReport& report = reports_[run.index];
  change(report);
}

bool Backfill::finished() const {
  MutexLock lock(mutex_);
  return std::all_of(reports_.begin(), reports_.end(),
                     [](const BackfillReport& report) { return report.finished; });
}

std::vector<BackfillReport> Backfill::Reports() const {
  MutexLock lock(mutex_);
  return reports_;
}

Timestamp Backfill::Step() {
  const Timestamp now = environment_.clock.Now();
  Timestamp next = Timestamp::Max();
  for (const auto& [name, source] : sources_) {
    if (source->asking) continue;
    if (source->taking.has_value() && !Append(*source, now)) {
      next = std::min(next, now + kNoRoomPause);
      continue;
    }
    // A clock that was set back must not make it wait for long.
    source->next_request = std::min(source->next_request, now + kRetryMost);
    if (source->next_request <= now) StartChunk(*source, now);
    if (!source->asking && !source->runs.empty()) next = std::min(next, source->next_request);
  }
  return next;
}

void Backfill::StartChunk(Source& source, Timestamp now) {
  std::optional<TimeRange> range;
  while (!source.runs.empty()) {
    Run& run = source.runs.front();
    range = run.again.has_value() ? std::exchange(run.again, std::nullopt) : run.plan.Next();
    if (range.has_value()) break;
    Update(run, [](BackfillReport& report) { report.finished = true; });
    source.runs.pop_front();
    source.failed_chunks = 0;
  }
  if (!range.has_value()) return;
  const Run& run = source.runs.front();
  const std::string& expression = run.job.task.query.expression;
  const bool raw = !run.job.task.step.has_value();
  auto chunk = std::make_shared<Chunk>(Chunk{source, *range, {}, 0});
  chunk->awaited = raw ? 2 : 1;
  chunk->answers.assign(chunk->awaited, absl::UnknownError("no answer"));
  source.asking = true;
  source.next_request =
      now + Millis(static_cast<int64_t>(1000.0 * static_cast<double>(chunk->awaited) /
                                        run.job.requests_per_second));
  if (!raw) {
    return run.job.client.RangeQuery(expression, range->from, range->through, *run.job.task.step,
                                     kLane, Await(chunk, 0));
  }
  // Whether the left edge is part of a range depends on the version of the server.
  const Millis window = range->through - range->from + Millis(1);
  run.job.client.InstantQuery(RangeSelector(expression, window), range->through, kLane,
                              Await(chunk, 0));
  run.job.client.InstantQuery(expression, range->through, kLane, Await(chunk, 1));
}

PrometheusClient::Done Backfill::Await(const std::shared_ptr<Chunk>& chunk, size_t index) {
  return [this, chunk, index](absl::StatusOr<QueryResult> answer) {
    auto shared = std::make_shared<absl::StatusOr<QueryResult>>(std::move(answer));
    environment_.executor.Post([this, chunk, index, shared] {
      chunk->answers[index] = std::move(*shared);
      if (--chunk->awaited == 0) OnAnswers(*chunk);
    });
  };
}

void Backfill::OnAnswers(Chunk& chunk) {
  Source& source = chunk.source;
  Run& run = source.runs.front();
  const Timestamp now = environment_.clock.Now();
  source.asking = false;
  for (const auto& answer : chunk.answers) {
    if (!answer.ok()) return OnFailure(source, chunk.range, answer.status(), now);
  }
  for (const auto& answer : chunk.answers) {
    // What is said of the query for good is no reason to ask again; the events claim less then.
    if (!answer->partial || !answer->may_heal) continue;
    const std::string warning = answer->warnings.empty() ? "" : ": " + answer->warnings.front();
    return OnFailure(source, chunk.range,
                     absl::UnavailableError("the answer is not complete" + warning), now);
  }
  if (run.job.task.step.has_value()) {
    source.taken = run.events.OfGrid(chunk.range, *run.job.task.step, *chunk.answers[0], now);
  } else {
    source.taken = run.events.OfSelector(chunk.range, *chunk.answers[0], *chunk.answers[1], now);
  }
  source.taking = chunk.range;
  source.appended = 0;
  Append(source, now);
}

bool Backfill::Append(Source& source, Timestamp now) {
  const std::vector<Event>& events = source.taken.events;
  while (source.appended < events.size()) {
    const auto is_samples = [&events](size_t i) {
      return std::holds_alternative<SampleBatch>(events[i]);
    };
    size_t end = source.appended + 1;
    while (end < events.size() && end - source.appended < kEventsTogether && !is_samples(end) &&
           !is_samples(source.appended)) {
      ++end;
    }
    const absl::Status status =
        environment_.sink.Append(std::span(events).subspan(source.appended, end - source.appended));
    if (absl::IsResourceExhausted(status)) return false;
    if (!status.ok()) {
      const TimeRange chunk = *std::exchange(source.taking, std::nullopt);
      source.taken = {};
      // Not to be taken for a fault of the query.
      OnFailure(source, chunk, absl::UnavailableError("spool: " + MessageOf(status)), now);
      return true;
    }
    source.appended = end;
  }
  OnTaken(source);
  return true;
}

void Backfill::OnTaken(Source& source) {
  Run& run = source.runs.front();
  const TimeRange chunk = *std::exchange(source.taking, std::nullopt);
  const TimeRange whole = run.plan.Whole(chunk);
  const BackfillChunkEvents taken = std::exchange(source.taken, {});
  run.plan.OnAnswer(chunk, taken.points, taken.series_points_max);
  source.backoff.Reset();
  source.failures = 0;
  source.failed_chunks = 0;
  size_t too_old = 0;
  if (run.job.kept_from.has_value() && *run.job.kept_from > chunk.from) {
    for (const Event& event : taken.events) {
      const auto* batch = std::get_if<SampleBatch>(&event);
      if (batch == nullptr) continue;
      too_old += static_cast<size_t>(
          std::count_if(batch->times.begin(), batch->times.end(),
                        [&run](Timestamp time) { return time < *run.job.kept_from; }));
    }
  }
  Update(run, [&](BackfillReport& report) {
    ++report.chunks;
    report.samples += taken.samples;
    report.samples_too_old += too_old;
    report.left = run.plan.left();
    if (taken.series_refused > 0) {
      AddFailure(report, {whole, fmt::format("{} series are beyond a limit (series per query, or "
                                             "labels of a series): make the query narrower",
                                             taken.series_refused)});
    }
  });
  run.job.done.Add(whole);
  if (!run.job.remember) return;
  const absl::Status status = run.job.remember(run.job.done);
  if (!status.ok() && log_limiter_.Allow()) {
    LogWarn("what was backfilled could not be remembered, and will be asked for again",
            {{"error", MessageOf(status)}});
  }
}

void Backfill::OnFailure(Source& source, TimeRange chunk, const absl::Status& status,
                         Timestamp now) {
  Run& run = source.runs.front();
  const std::string reason = MessageOf(status);
  if (log_limiter_.Allow()) {
    LogWarn("backfill: no answer", {{"source", run.job.task.query.source},
                                    {"query", run.job.task.query.name},
                                    {"from", FormatRfc3339(chunk.from)},
                                    {"error", reason}});
  }
  Update(run, [](BackfillReport& report) { ++report.tries_failed; });
  const bool took_too_long = absl::IsDeadlineExceeded(status);
  const bool too_large = IsTooLarge(status);
  if (too_large && run.plan.OnTooLarge(chunk)) return;
  // The query is as it is: asking again gives the same. Whatever else is wrong can be mended, as
  // are a token, or the way of a proxy that is being started (401, 403, 404).
  const bool for_good = too_large || IsOfQuery(status);
  if (!for_good) ++source.failures;
  const bool exhausted =
      options_.attempts_max.has_value() && source.failures >= *options_.attempts_max;
  if (for_good || exhausted) return FailChunk(source, chunk, reason);
  if (!took_too_long || !run.plan.OnTooLarge(chunk)) run.again = chunk;
  source.next_request = std::max(source.next_request, now + source.backoff.Next());
  // One query that a proxy lets nobody ask must not keep the source's others waiting.
  const bool has_waited = source.failures % kFailedChunksInARow == 0;
  if (options_.attempts_max.has_value() || !has_waited || source.runs.size() == 1) return;
  source.runs.push_back(std::move(run));
  source.runs.pop_front();
}

void Backfill::FailChunk(Source& source, TimeRange chunk, const std::string& reason) {
  Run& run = source.runs.front();
  Update(run, [&](BackfillReport& report) {
    AddFailure(report, {run.plan.Whole(chunk), reason});
    report.left = run.plan.left();
  });
  if (++source.failed_chunks >= kFailedChunksInARow) GiveUpRest(run, reason);
}

void Backfill::GiveUpRest(Run& run, const std::string& reason) {
  const std::vector<TimeRange> left = run.plan.Left();
  while (run.plan.Next().has_value()) {
  }
  Update(run, [&](BackfillReport& report) {
    for (const TimeRange& range : left) AddFailure(report, {range, reason});
    report.left = Millis(0);
  });
}

}  // namespace alertjoin

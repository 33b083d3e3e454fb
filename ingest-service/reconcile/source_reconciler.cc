#include "ingest-service/reconcile/source_reconciler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/status/status.h"
#include "common/time/rfc3339.h"
#include "ingest-service/alertmanager/json_fields.h"
#include "ingest-service/reconcile/found_transition.h"

namespace alertjoin {
namespace {

constexpr char kLane[] = "reconcile";
constexpr Millis kRulesInterval = std::chrono::minutes(5);
// Grid times of one question. Each may bring so many alerts that it must be asked in smaller parts.
constexpr int64_t kWindowPointsMax = 1'000;
constexpr int64_t kWindowPointsMin = 10;
// For a source that was read last so long ago, the others do not wait.
constexpr Millis kAwayAfterMin = std::chrono::minutes(4);
constexpr int kAwayPolls = 4;
constexpr Millis kStepMin = std::chrono::milliseconds(100);
// Of an alert that fired already at the very first start: a later process must begin as this one.
constexpr Timestamp kNever = Timestamp::Min();

FiringHistory::Options HistoryOptions(const EvaluatedRules& rules,
                                      const SourceReconcilerOptions& source) {
  FiringHistory::Options options;
  options.lookback = source.lookback;
  options.resend_delay = source.resend_delay;
  options.interval_of = [&rules](const LabelSet& labels) -> std::optional<Millis> {
    const EvaluatedRule* const rule = rules.Find(labels);
    if (rule == nullptr) return std::nullopt;
    return rule->interval;
  };
  return options;
}

// Leaves out what lies after `through`. REQUIRES: not before the grid's start.
void CutAfter(Timestamp through, EvaluationGrid& grid, QueryResult& answer) {
  if (through >= grid.end) return;
  grid.end = grid.start + (through - grid.start) / grid.step * grid.step;
  for (ResultSeries& series : answer.series) {
    series.times.erase(std::ranges::upper_bound(series.times, grid.end), series.times.end());
    series.values.resize(series.times.size());
  }
}

}  // namespace

SourceReconciler::SourceReconciler(SourceReconcilerOptions options, Environment environment,
                                   std::optional<Timestamp> read_from)
    : options_(std::move(options)),
      environment_(environment),
      read_from_(read_from),
      history_(HistoryOptions(rules_, options_)),
      look_up_(environment.client, environment.executor, options_.lookback,
               [this](StartLookUp::Wanted wanted, std::optional<Timestamp> starts_at,
                      std::optional<Timestamp> active_at) {
                 OnLookedUp(std::move(wanted), starts_at, active_at);
               }),
      told_runs_(environment.ledger.runs(), environment.finder),
      window_points_(kWindowPointsMax),
      log_limiter_(kLogInterval, environment.clock) {
  BeginRuns();
  // A source that never answers falls behind from here on.
  ShowThrough(read_from.value_or(environment.clock.Now()));
}

void SourceReconciler::ShowThrough(Timestamp through) const {
  environment_.metrics.SetThrough(options_.source, static_cast<double>(through.millis()) / 1000.0);
}

std::optional<Timestamp> SourceReconciler::covered() const {
  if (!history_.through()) return std::nullopt;
  Timestamp covered = *history_.through();
  for (const auto undecided :
       {look_up_.UndecidedFrom(), environment_.ledger.UndecidedFrom(environment_.finder)}) {
    if (undecided) covered = std::min(covered, *undecided);
  }
  if (covered == kNever) return std::nullopt;
  return std::max(covered, decided_through_.value_or(kNever));
}

Timestamp SourceReconciler::Step() {
  if (busy_) return Timestamp::Max();
  const Timestamp now = environment_.clock.Now();
  // A clock that was set back makes the next poll no later than it was meant.
  if (due_ > now + options_.interval) due_ = now;
  if (now >= due_) Begin(now);
  return busy_ ? Timestamp::Max() : due_;
}

void SourceReconciler::Begin(Timestamp now) {
  busy_ = true;
  due_ = now + options_.interval;
  rules_fresh_ = now >= rules_due_;
  auto basics = std::make_shared<Basics>();
  basics->awaited = rules_fresh_ ? 4 : 2;
  Get(basics, "/api/v1/alerts", {}, &Basics::alerts);
  Get(basics, "/api/v1/status/config", {}, &Basics::config);
  if (!rules_fresh_) return;
  Get(basics, "/api/v1/rules", {{"type", "alert"}}, &Basics::rules);
  Get(basics, "/api/v1/status/buildinfo", {}, &Basics::build);
}

void SourceReconciler::Get(const std::shared_ptr<Basics>& basics, const std::string& path,
                           const PrometheusClient::Parameters& parameters,
                           std::optional<nlohmann::json> Basics::*field) {
  environment_.client.GetData(
      path, parameters, kLane, [this, basics, path, field](absl::StatusOr<nlohmann::json> answer) {
        environment_.executor.Post(
            [this, basics, path, field, answer = std::move(answer)]() mutable {
              if (answer.ok()) {
                (*basics).*field = *std::move(answer);
              } else if (basics->status.ok() && field != &Basics::build) {
                basics->status = Annotate(answer.status(), path);
              }
              if (--basics->awaited > 0) return;
              if (basics->status.ok()) {
                basics->status = TakeBasics(*basics, environment_.clock.Now());
              }
              if (!basics->status.ok()) return End(basics->status);
              Continue();
            });
      });
}

absl::Status SourceReconciler::TakeBasics(const Basics& basics, Timestamp now) {
  ASSIGN_OR_RETURN(ActiveAlertsAnswer alerts, DecodeActiveAlerts(*basics.alerts));
  environment_.metrics.CountLeftOut(options_.source, LeftOut::kOverLimit, alerts.left_out);
  active_.Take(std::move(alerts), now);
  environment_.metrics.SetAlerts(options_.source, active_.pending(), active_.firing());
  if (basics.build && basics.build->is_object()) {
    const auto version = TextField(*basics.build, "", "version");
    if (version.ok() && *version != version_) {
      version_ = *version;
      config_text_.clear();
    }
  }
  if (basics.rules) {
    ASSIGN_OR_RETURN(rules_, EvaluatedRules::Decode(*basics.rules));
    rules_due_ = now + kRulesInterval;
  }
  return TakeConfig(*basics.config);
}

absl::Status SourceReconciler::TakeConfig(const nlohmann::json& data) {
  const auto text = data.is_object() ? TextField(data, "", "yaml") : std::string();
  if (!text.ok() || text->empty()) {
    return absl::UnavailableError("/api/v1/status/config: the answer has no configuration");
  }
  if (*text == config_text_) return absl::OkStatus();
  auto labelling = AlertLabelling::Parse(*text, version_);
  if (!labelling.ok()) return Annotate(labelling.status(), "/api/v1/status/config");
  labelling_ = *std::move(labelling);
  config_text_ = *text;
  return absl::OkStatus();
}

void SourceReconciler::Continue() {
  if (!look_up_.empty()) {
    return look_up_.Run(rules_, active_, [this](absl::Status status) {
      // Not from within: the next run may begin.
      environment_.executor.Post([this, status] { status.ok() ? Continue() : End(status); });
    });
  }
  const auto grid = NextWindow(environment_.clock.Now());
  if (!grid) {
    environment_.ledger.runs().OnRead(environment_.finder, environment_.clock.Now());
    return End(absl::OkStatus());
  }
  AskWindow(*grid);
}

std::optional<EvaluationGrid> SourceReconciler::NextWindow(Timestamp now) const {
  const Millis longest = std::max(kStepMin, options_.lookback / 2);
  const Millis step = std::clamp(
      rules_.ShortestInterval().value_or(labelling_.evaluation_interval()), kStepMin, longest);
  const Timestamp settled = SettledAt(now);
  EvaluationGrid grid;
  grid.step = step;
  if (history_.through() && *history_.through() > settled - kCatchUpMax) {
    grid.start = *history_.through() + step;
  } else {
    grid.start = FirstTime(settled, step);
  }
  if (grid.start > settled) return std::nullopt;
  const int64_t points = std::min((settled - grid.start) / step + 1, window_points_);
  grid.end = grid.start + (points - 1) * step;
  return grid;
}

Timestamp SourceReconciler::SettledAt(Timestamp now) const {
  // Evaluations that take their time are seen late.
  return now - std::max(options_.settle_delay, 2 * rules_.longest_evaluation());
}

Timestamp SourceReconciler::FirstTime(Timestamp settled, Millis step) const {
  if (!read_from_) return settled - options_.first_lookback;
  // What was open at that time may have been seen last so long before.
  const Millis remembered = history_.RememberedFor(rules_.LongestInterval().value_or(Millis(0)));
  const int64_t unseen = remembered > options_.lookback ? (remembered - Millis(1)) / step + 1 : 0;
  return std::max(std::min(*read_from_, settled) - unseen * step, settled - kCatchUpMax);
}

void SourceReconciler::AskWindow(const EvaluationGrid& grid) {
  environment_.client.RangeQuery(
      kHistoryExpression, grid.start, grid.end, grid.step, kLane,
      [this, grid, asked = environment_.clock.SteadyNow()](absl::StatusOr<QueryResult> answer) {
        environment_.executor.Post([this, grid, asked, answer = std::move(answer)]() mutable {
          const auto took = environment_.clock.SteadyNow() - asked;
          OnWindow(grid, std::move(answer), std::chrono::duration_cast<Millis>(took));
        });
      });
}

bool SourceReconciler::NeedsNewRules(const QueryResult& answer, Millis step) const {
  return std::any_of(answer.series.begin(), answer.series.end(), [&](const ResultSeries& series) {
    const EvaluatedRule* const rule = rules_.Find(series.labels);
    return rule == nullptr || rule->interval < step;
  });
}

void SourceReconciler::RefreshRules() {
  rules_fresh_ = true;
  environment_.client.GetData("/api/v1/rules", {{"type", "alert"}}, kLane,
                              [this](absl::StatusOr<nlohmann::json> answer) {
                                environment_.executor.Post([this, answer = std::move(answer)] {
                                  if (!answer.ok()) return End(answer.status());
                                  auto rules = EvaluatedRules::Decode(*answer);
                                  if (!rules.ok()) return End(rules.status());
                                  rules_ = *std::move(rules);
                                  rules_due_ = environment_.clock.Now() + kRulesInterval;
                                  Continue();
                                });
                              });
}

void SourceReconciler::OnWindow(EvaluationGrid grid, absl::StatusOr<QueryResult> answer,
                                Millis took) {
  if (answer.ok() && answer->partial) {
    return End(absl::UnavailableError(fmt::format(
        "the history of the alerts is partial: {}",
        answer->warnings.empty() ? "" : Excerpt(answer->warnings.front(), kLongExcerptBytes))));
  }
  if (answer.ok() && !rules_fresh_ && NeedsNewRules(*answer, grid.step)) return RefreshRules();
  if (answer.ok()) {
    // Of what its clock has still to come to it says what it knows so far.
    const Timestamp now = environment_.clock.Now();
    const Timestamp asked = AskedAtMost(*answer, took);
    const Timestamp settled = SettledAt(now - asked > kClockBehindMax ? now : asked);
    if (settled < grid.start) return End(absl::OkStatus());
    CutAfter(settled, grid, *answer);
  }
  const bool first = !history_.through() || *history_.through() + grid.step != grid.start;
  absl::StatusOr<std::vector<FiringChange>> changes =
      answer.ok() ? history_.Take(*answer, grid) : answer.status();
  if (!changes.ok()) {
    if (!MayBeTooMuch(changes.status()) || window_points_ <= kWindowPointsMin) {
      return End(changes.status());
    }
    window_points_ = std::max(window_points_ / 4, kWindowPointsMin);
    return Continue();
  }
  if (first) {
    // What an earlier process read to its end was decided by it.
    const bool resumed =
        read_from_ && grid.start <= *read_from_ && *read_from_ <= environment_.clock.Now();
    decided_through_ = resumed ? read_from_ : std::nullopt;
    read_since_ = decided_through_.value_or(grid.start);
    BeginRuns();
  }
  window_points_ = std::min(window_points_ * 2, kWindowPointsMax);
  for (const FiringChange& change : *changes) TakeChange(change, grid.step);
  environment_.metrics.CountLeftOut(options_.source, LeftOut::kTooManyAlerts,
                                    history_.not_followed() - not_followed_);
  not_followed_ = history_.not_followed();
  told_runs_.TellRead(history_, labelling_.query_offset(), environment_.clock.Now());
  ShowThrough(grid.end);
  Continue();
}

void SourceReconciler::TakeChange(const FiringChange& change, Millis step) {
  const bool decided = IsDecided(change);
  const auto labels = labelling_.LabelsSent(change.labels);
  const FiringRuns::RunId run =
      told_runs_.Tell(change, labels ? std::optional(labels->FingerprintHex()) : std::nullopt,
                      labelling_.query_offset(), decided, environment_.clock.Now());
  const bool started = change.kind == FiringChange::Kind::kStarted;
  // From there on it is not known yet, whatever lies unseen before it (FirstTime).
  const Timestamp read_again_from = change.known_at - step;
  // The start of what ended others may have to know.
  if (decided && (started || change.starts_at)) return;
  if (change.starts_at) return Found(change, run, read_again_from);
  if (look_up_.Add(change, started ? kNever : read_again_from)) return;
  told_runs_.TellStart(change.labels, std::nullopt);
  environment_.metrics.CountLeftOut(options_.source, LeftOut::kUnknownStart);
}

bool SourceReconciler::IsDecided(const FiringChange& change) const {
  return decided_through_ && change.known_at <= *decided_through_;
}

void SourceReconciler::BeginRuns() {
  const Millis polls = kAwayPolls * options_.interval;
  told_runs_.Begin({polls, std::max(kAwayAfterMin, polls)}, environment_.clock.Now());
}

void SourceReconciler::OnLookedUp(StartLookUp::Wanted wanted, std::optional<Timestamp> starts_at,
                                  std::optional<Timestamp> active_at) {
  std::optional<Timestamp> sent = starts_at;
  if (sent) *sent = *sent + labelling_.query_offset();
  const FiringRuns::RunId run = told_runs_.TellStart(wanted.labels, sent);
  environment_.ledger.runs().OnRead(environment_.finder, environment_.clock.Now());
  std::erase_if(wanted.changes, [this](const FiringChange& change) { return IsDecided(change); });
  if (!starts_at) {
    environment_.metrics.CountLeftOut(options_.source, LeftOut::kUnknownStart,
                                      wanted.changes.size());
    return;
  }
  history_.SetStart(wanted.labels, *starts_at);
  for (FiringChange& change : wanted.changes) {
    change.starts_at = starts_at;
    if (change.kind == FiringChange::Kind::kStarted) change.active_at = active_at;
    Found(change, run, wanted.read_again_from);
  }
}

void SourceReconciler::Found(const FiringChange& change, FiringRuns::RunId run,
                             Timestamp read_again_from) {
  const Timestamp now = environment_.clock.Now();
  auto transition = MakeFoundTransition(
      change, {options_.alert_source, options_.url, labelling_, rules_, active_, now});
  if (!transition.ok()) {
    const bool dropped = absl::IsNotFound(transition.status());
    environment_.metrics.CountLeftOut(options_.source,
                                      dropped ? LeftOut::kRelabelled : LeftOut::kOverLimit);
    return;
  }
  if (change.end_is_rough) environment_.metrics.CountRoughEnd(options_.source);
  environment_.ledger.OnFound(*std::move(transition), {environment_.finder, run, read_again_from},
                              now);
}

void SourceReconciler::End(const absl::Status& status) {
  busy_ = false;
  environment_.metrics.CountPoll(options_.source, status.ok() ? "ok" : "failed");
  if (status.ok() || !log_limiter_.Allow()) return;
  LogWarn("alerts of a metrics source are not reconciled: trying again",
          {{"source", options_.source}, {"error", MessageOf(status)}});
}

}  // namespace alertjoin

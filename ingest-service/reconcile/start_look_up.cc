#include "ingest-service/reconcile/start_look_up.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/status/status.h"
#include "ingest-service/reconcile/value_time.h"

namespace alertjoin {
namespace {

constexpr char kStartLane[] = "reconcile";
constexpr Millis kUnknownInterval = std::chrono::minutes(1);
// Around the time at which it should have begun to fire; later when evaluations were left out.
constexpr int kIntervalsBefore = 2;  // At most the lookback.
constexpr int kIntervalsAfter = 20;
constexpr int kPointsMax = 10'000;  // Of one question; the server takes 11,000.

std::string Selector(const char* metric, const LabelSet& labels) {
  return metric + ToString(labels);
}

LabelSet Firing(const LabelSet& labels) {
  std::vector<LabelSet::LabelView> all(labels.begin(), labels.end());
  all.emplace_back("alertstate", "firing");
  return LabelSet(std::span<const LabelSet::LabelView>(all));
}

// The series of exactly this alert: a selector also finds those with more labels.
const ResultSeries* SeriesOf(const QueryResult& answer, const LabelSet& labels) {
  for (const ResultSeries& series : answer.series) {
    if (series.labels.Without("__name__").Without("alertstate") == labels) return &series;
  }
  return nullptr;
}

// The first evaluation from `from` on that found the alert firing. One before may have, too, in an
// episode of its own.
std::optional<Timestamp> FirstFrom(const QueryResult& answer, const LabelSet& labels,
                                   Timestamp from) {
  const ResultSeries* const series = SeriesOf(answer, labels);
  if (series == nullptr) return std::nullopt;
  for (const double seconds : series->values) {
    if (IsValueTime(seconds) && ValueTime(seconds) >= from) return ValueTime(seconds);
  }
  return std::nullopt;
}

}  // namespace

struct StartLookUp::Search {
  LabelSet labels;
  Timestamp firing_at;
  std::optional<Timestamp> active_at;        // Exact.
  std::optional<Timestamp> active_at_about;  // To a second.
  Millis interval{0};
  Millis hold{0};
};

bool StartLookUp::Add(const FiringChange& change, Timestamp read_again_from) {
  const auto known = waiting_.find(change.labels);
  if (known == waiting_.end() && waiting_.size() >= kWaitingMax) return false;
  Wanted& wanted = waiting_[change.labels];
  if (wanted.changes.empty()) {
    wanted = {change.labels, change.firing_at, read_again_from, {}};
  }
  wanted.read_again_from = std::min(wanted.read_again_from, read_again_from);
  wanted.changes.push_back(change);
  return true;
}

std::optional<Timestamp> StartLookUp::UndecidedFrom() const {
  std::optional<Timestamp> from;
  for (const auto& [labels, wanted] : waiting_) {
    from = std::min(from.value_or(wanted.read_again_from), wanted.read_again_from);
  }
  return from;
}

void StartLookUp::Run(const EvaluatedRules& rules, const ActiveAlerts& active,
                      std::function<void(absl::Status)> done) {
  CHECK(in_flight_ == 0);
  rules_ = &rules;
  active_ = &active;
  done_ = std::move(done);
  status_ = absl::OkStatus();
  next_.clear();
  for (const auto& [labels, wanted] : waiting_) next_.push_back(labels);
  StartMore();
}

void StartLookUp::StartMore() {
  while (status_.ok() && in_flight_ < kInFlightMax && !next_.empty()) {
    const Wanted& wanted = waiting_.at(next_.front());
    next_.pop_front();
    auto search = std::make_shared<Search>();
    search->labels = wanted.labels;
    search->firing_at = wanted.firing_at;
    const EvaluatedRule* const rule = rules_->Find(wanted.labels);
    search->interval = rule != nullptr ? rule->interval : kUnknownInterval;
    if (rule != nullptr) search->hold = rule->hold;
    ++in_flight_;
    AskActive(search);
  }
  if (in_flight_ == 0) std::exchange(done_, nullptr)(status_);
}

void StartLookUp::AskActive(const std::shared_ptr<Search>& search) {
  const ActiveAlert* const active = active_->Find(search->labels);
  // It may have been another time that it was active.
  if (active != nullptr && active->firing && active->active_at <= search->firing_at &&
      search->firing_at <= active->seen) {
    search->active_at = active->active_at;
    return AskFirst(search);
  }
  client_.InstantQuery(Selector("ALERTS_FOR_STATE", search->labels), search->firing_at, kStartLane,
                       [this, search](absl::StatusOr<QueryResult> answer) {
                         executor_.Post([this, search, answer = std::move(answer)] {
                           if (!answer.ok()) return Fail(search, answer.status());
                           const ResultSeries* const series = SeriesOf(*answer, search->labels);
                           const bool there = series != nullptr && !series->values.empty() &&
                                              IsValueTime(series->values.back());
                           if (!there) return Finish(search, std::nullopt);
                           search->active_at_about = ValueTime(series->values.back());
                           AskFirst(search);
                         });
                       });
}

void StartLookUp::AskFirst(const std::shared_ptr<Search>& search) {
  const Timestamp active_at = search->active_at ? *search->active_at : *search->active_at_about;
  const Timestamp expected = active_at + search->hold;
  // No evaluation is skipped: each is seen for the lookback.
  const Millis step = std::clamp(lookback_ / 2, Millis(1), search->interval);
  const Timestamp start = expected - std::min(kIntervalsBefore * search->interval, lookback_);
  const Timestamp end =
      std::min({expected + kIntervalsAfter * search->interval,
                std::max(search->firing_at, expected), start + kPointsMax * step});
  const std::string expression =
      fmt::format("timestamp({})", Selector("ALERTS", Firing(search->labels)));
  client_.RangeQuery(expression, start, end, step, kStartLane,
                     [this, search, expected](absl::StatusOr<QueryResult> answer) {
                       executor_.Post([this, search, expected, answer = std::move(answer)] {
                         if (!answer.ok()) return Fail(search, answer.status());
                         std::optional<Timestamp> first =
                             FirstFrom(*answer, search->labels, expected);
                         if (!first && search->active_at) first = *search->active_at + search->hold;
                         Finish(search, first);
                       });
                     });
}

void StartLookUp::Finish(const std::shared_ptr<Search>& search,
                         std::optional<Timestamp> starts_at) {
  auto wanted = waiting_.extract(search->labels);
  if (!wanted.empty()) {
    if (starts_at && *starts_at > search->firing_at) starts_at.reset();
    std::optional<Timestamp> active_at = search->active_at;
    if (!active_at && search->hold == Millis(0)) active_at = starts_at;
    found_(std::move(wanted.mapped()), starts_at, active_at);
  }
  --in_flight_;
  StartMore();
}

void StartLookUp::Fail(const std::shared_ptr<Search>& search, const absl::Status& status) {
  // That would be so again and again.
  if (IsOfQuery(status)) return Finish(search, std::nullopt);
  if (status_.ok()) status_ = status;
  --in_flight_;
  StartMore();
}

}  // namespace alertjoin

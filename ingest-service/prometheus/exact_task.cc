#include "ingest-service/prometheus/exact_task.h"

#include <algorithm>

#include "ingest-service/prometheus/absences.h"

namespace alertjoin {
namespace {

constexpr Millis kWindowMargin = std::chrono::seconds(1);
// Prometheus keeps hardly more than that in one query's reach of memory.
constexpr Millis kWindowMax = std::chrono::hours(24);

bool Proves(const QueryResult& result, const SampleTransaction& transaction) {
  return !result.partial && transaction.series_refused() == 0;
}

}  // namespace

Millis WindowOf(const Binding& binding) {
  return std::clamp(binding.tolerance, Millis(0), kWindowMax) + kWindowMargin;
}

bool BelongsTo(const ResolvedAlert& alert, const LabelSet& series) {
  if (alert.matching == Matching::kOn) {
    return std::all_of(alert.on.begin(), alert.on.end(), [&](const std::string& name) {
      return alert.labels.Get(name) == series.Get(name);
    });
  }
  return std::all_of(series.begin(), series.end(), [&](const LabelSet::LabelView& label) {
    return label.first == "__name__" || !alert.labels.Has(label.first) ||
           alert.labels.Get(label.first) == label.second;
  });
}

void ApplyExactSelector(const ExactTask& task, Millis lookback, const SelectorAnswers& answers,
                        SampleTransaction& transaction) {
  transaction.AddAll(answers.samples);
  if (task.phase != ExactTask::Phase::kSettled || answers.presence == nullptr) return;
  if (answers.presence->partial || answers.samples.partial) return;
  const size_t gone = AddSelectorAbsences(*answers.presence, task.time, lookback, transaction);
  // A poll must not claim that it knew of them all along.
  if (gone > 0) transaction.cache().RecordDisappearance(task.time);
  if (!Proves(*answers.presence, transaction)) return;
  transaction.Claim(task.time - task.window + Millis(1), task.time);
}

void ApplyExactExpression(const ExactTask& task, const QueryResult& at_time,
                          const std::vector<QueryResult>& at_starts,
                          SampleTransaction& transaction) {
  for (const QueryResult& at_start : at_starts) transaction.AddAll(at_start);
  transaction.AddAll(at_time);
  transaction.AddMarkersAtEvaluations();
  if (at_time.partial) return;
  AddExpressionAbsences(at_time, task.time, transaction);
  if (task.phase != ExactTask::Phase::kSettled || !Proves(at_time, transaction)) return;
  transaction.RecordEvaluation(task.time);
  transaction.Claim(task.time, task.time);
}

std::set<Timestamp> StartsToLookUp(const ExactTask& task, const QueryResult& at_time,
                                   const SeriesCache& cache) {
  std::set<Timestamp> starts;
  for (const ResolvedAlert& alert : task.resolved) {
    if (starts.size() >= kLookUpsPerTaskMax) break;
    if (alert.starts_at >= task.time || starts.count(alert.starts_at) > 0) continue;
    const bool present =
        std::any_of(at_time.series.begin(), at_time.series.end(),
                    [&](const ResultSeries& series) { return BelongsTo(alert, series.labels); });
    const bool known = present || cache.AnyOf([&](const KnownSeries& series) {
      return series.history.AsOf(task.time).has_value() && BelongsTo(alert, series.key->labels);
    });
    if (!known) starts.insert(alert.starts_at);
  }
  return starts;
}

}  // namespace alertjoin

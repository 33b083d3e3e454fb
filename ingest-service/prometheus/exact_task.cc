#include "ingest-service/prometheus/exact_task.h"

#include <algorithm>

#include "ingest-service/prometheus/absences.h"

namespace alertjoin {
namespace {

constexpr Millis kWindowMargin = std::chrono::seconds(1);
// Prometheus keeps hardly more than that in one query's reach of memory.
constexpr Millis kWindowMax = std::chrono::hours(24);
// Of alerts with series, at one time: a fraction of a second.
constexpr size_t kComparisonsMax = 1'000'000;

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

void ApplyExactExpression(const ExactTask& task, const ExpressionAnswers& answers,
                          SampleTransaction& transaction) {
  for (const QueryResult& at_start : answers.at_starts) transaction.AddAll(at_start);
  transaction.AddAll(answers.at_time);
  transaction.AddMarkersAtEvaluations();
  if (answers.at_time.partial) return;
  AddExpressionAbsences(answers.at_time, task.time, transaction);
  if (task.phase != ExactTask::Phase::kSettled || !Proves(answers.at_time, transaction)) return;
  transaction.RecordEvaluation(task.time);
  const bool whole =
      answers.all_starts && std::ranges::none_of(answers.at_starts, &QueryResult::partial);
  if (whole) transaction.Claim(task.time, task.time);
}

StartLookUps StartsToLookUp(const ExactTask& task, const QueryResult& at_time,
                            const SeriesCache& cache) {
  StartLookUps look_ups;
  size_t comparisons = 0;
  for (const ResolvedAlert& alert : task.resolved) {
    const auto belongs = [&](const LabelSet& series) {
      ++comparisons;
      return BelongsTo(alert, series);
    };
    const auto known = [&] {
      return std::ranges::any_of(at_time.series, belongs, &ResultSeries::labels) ||
             cache.AnyOf([&](const KnownSeries& series) {
               return series.history.AsOf(task.time).has_value() && belongs(series.key->labels);
             });
    };
    const bool looked_up = look_ups.starts.contains(alert.starts_at);
    if (!looked_up && alert.starts_at < task.time) {
      if (comparisons >= kComparisonsMax) break;
      if (!known()) {
        if (look_ups.starts.size() == kLookUpsPerTryMax) break;
        look_ups.starts.insert(alert.starts_at);
      }
    }
    ++look_ups.alerts;
  }
  return look_ups;
}

}  // namespace alertjoin

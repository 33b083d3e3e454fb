#include "ingest-service/backfill/backfill_query.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/event/event_rules.h"
#include "common/status/status.h"
#include "common/time/duration.h"
#include "common/time/rfc3339.h"
#include "ingest-service/prometheus/promql_text.h"

namespace alertjoin {
namespace {

constexpr Millis kStepMost = std::chrono::hours(24 * 366);

const QueryOptions* FindQuery(const MetricsSourceOptions& source, const BackfillWish& wish) {
  if (!wish.name.empty()) return nullptr;
  const auto found =
      std::find_if(source.queries.begin(), source.queries.end(),
                   [&wish](const QueryOptions& query) { return query.name == wish.query; });
  return found == source.queries.end() ? nullptr : &*found;
}

// Whether raw samples of the expression may have this name.
bool IsNameOfSamples(const MetricsSourceOptions& source, const std::string& name,
                     const std::string& expression) {
  if (name == expression) return true;
  return std::any_of(source.queries.begin(), source.queries.end(), [&](const QueryOptions& query) {
    return query.name == name && query.expression == expression;
  });
}

absl::StatusOr<TimeRange> WantedOf(const MetricsSourceOptions& source, const BackfillWish& wish,
                                   Timestamp now) {
  if (wish.from >= wish.to) {
    return absl::InvalidArgumentError(fmt::format("from {} to {}: the end must be after the begin",
                                                  FormatRfc3339(wish.from),
                                                  FormatRfc3339(wish.to)));
  }
  const TimeRange wanted{wish.from, std::min(wish.to, now - source.settle_delay)};
  if (wanted.from > wanted.through) {
    return absl::InvalidArgumentError(fmt::format("from {}: samples after {} have not settled",
                                                  FormatRfc3339(wish.from),
                                                  FormatRfc3339(wanted.through)));
  }
  return wanted;
}

}  // namespace

absl::StatusOr<BackfillTask> BackfillTaskOf(const MetricsSourceOptions& source,
                                            const BackfillWish& wish, Timestamp now) {
  const QueryOptions* const configured = FindQuery(source, wish);
  BackfillTask task;
  ASSIGN_OR_RETURN(task.wanted, WantedOf(source, wish, now));
  task.step = wish.step;
  if (task.step.has_value() && (*task.step <= Millis(0) || *task.step > kStepMost)) {
    return absl::InvalidArgumentError(
        fmt::format("step: must be from 1ms to {}, in whole ms", FormatDuration(kStepMost)));
  }
  task.query.source = source.name;
  task.query.expression = configured != nullptr ? configured->expression : wish.query;
  const std::string& expression = task.query.expression;
  if (configured != nullptr) {
    task.query.name = configured->name;
  } else {
    task.query.name = wish.name.empty() ? expression : wish.name;
  }
  const bool plain = IsPlainSelector(expression);
  task.query.time_kind = plain && !task.step ? TimeKind::kSample : TimeKind::kEvaluation;
  if (plain && task.step.has_value()) {
    if (wish.name.empty()) {
      task.query.name += fmt::format(" every {}", FormatDuration(*task.step));
    }
    if (IsNameOfSamples(source, task.query.name, expression)) {
      return absl::InvalidArgumentError(fmt::format(
          "name \"{}\" is that of raw samples, and evaluations must not be mixed with them: give "
          "another one, or leave the step out",
          task.query.name));
    }
  }
  if (!plain && !task.step.has_value()) {
    if (configured == nullptr) {
      return absl::InvalidArgumentError(
          fmt::format("\"{}\" is no plain selector, so it has no raw samples: give a step",
                      Excerpt(expression)));
    }
    task.step = configured->step.value_or(configured->interval);
  }
  RETURN_IF_ERROR(CheckQuery(task.query, "query"));
  return task;
}

}  // namespace alertjoin

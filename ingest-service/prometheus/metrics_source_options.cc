#include "ingest-service/prometheus/metrics_source_options.h"

#include "ingest-service/prometheus/promql_text.h"

namespace alertjoin {
namespace {

TimeKind TimeKindOf(const std::string& expression) {
  return IsPlainSelector(expression) ? TimeKind::kSample : TimeKind::kEvaluation;
}

}  // namespace

Query QueryOf(const std::string& source, const QueryOptions& options) {
  return {source, options.name, options.expression, TimeKindOf(options.expression)};
}

Query LearntQuery(const std::string& source, const std::string& expression) {
  return {source, expression, expression, TimeKindOf(expression)};
}

}  // namespace alertjoin

#include "ingest-service/prometheus/query_fault.h"

#include "common/log/log.h"
#include "common/status/status.h"
#include "ingest-service/prometheus/source_watch.h"

namespace alertjoin {
namespace {

void Tell(SeriesCache& cache, const std::string& error, Timestamp now, SampleSink& sink) {
  const Event event = QueryError{*cache.query(), now, error};
  if (sink.Append({&event, 1}).ok()) cache.set_reported_fault(error);
}

}  // namespace

bool ReportFault(SeriesCache& cache, const absl::Status& status, Timestamp now, SampleSink& sink) {
  const std::string error = SourceText(MessageOf(status));
  if (cache.reported_fault() == error) return false;
  const Query& query = *cache.query();
  LogError("query refused by the metrics source: correct it",
           {{"source", query.source}, {"query", query.name}, {"error", error}});
  Tell(cache, error, now, sink);
  return true;
}

void ClearFault(SeriesCache& cache, Timestamp now, SampleSink& sink) {
  if (cache.reported_fault().empty()) return;
  const Query& query = *cache.query();
  LogInfo("query is answered again", {{"source", query.source}, {"query", query.name}});
  Tell(cache, "", now, sink);
}

}  // namespace alertjoin

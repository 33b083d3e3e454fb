#include "ingest-service/rules/learning_source.h"

#include "common/status/status.h"

namespace alertjoin {

LearningSource::LearningSource(const MetricsSourcesOptions& options, SampleSink& sink,
                               RuleCatalog& catalog, prometheus::Registry& registry,
                               const Clock& clock)
    : sources_(options.sources),
      catalog_(catalog),
      metrics_(options, sink, registry, clock),
      learning_(sources_, metrics_, catalog, registry, clock) {}

LearningSource::~LearningSource() { Stop(); }

absl::Status LearningSource::Start() {
  RETURN_IF_ERROR(metrics_.Start());
  learning_.Start();
  return absl::OkStatus();
}

void LearningSource::Stop(Rules rules) {
  // Once: another source may have the name by the time that this one is destroyed.
  if (stopped_.exchange(true)) return;
  learning_.Stop();
  metrics_.Stop();
  if (rules == Rules::kKept) return;
  for (const MetricsSourceOptions& source : sources_) catalog_.Forget(source.name);
}

}  // namespace alertjoin

#include "correlator-service/pipeline/pipeline.h"

#include <utility>

namespace alertjoin {

Pipeline::Pipeline(PipelineOptions options, Engine& engine, RoundLog& log, RowStore& store,
                   const Clock& clock, prometheus::Registry& registry,
                   std::function<void(const absl::Status&)> on_failure)
    : failure_(std::move(on_failure)),
      logged_(options.logged_rounds_max),
      logger_(options.logger, log, logged_, clock, registry,
              [this](const absl::Status& status) { failure_.Latch(status); }),
      writer_(engine, store, log, logger_, logged_, registry,
              [this](const absl::Status& status) { failure_.Latch(status); }) {}

Pipeline::~Pipeline() { Stop(); }

void Pipeline::Start() {
  writer_.Start();
  logger_.Start();
}

void Pipeline::Stop() {
  logger_.Stop();
  // Also when the logger was never started.
  logged_.Close();
  writer_.Join();
}

bool Pipeline::TryPush(IntakeBatch&& batch) { return logger_.TryPush(std::move(batch)); }

}  // namespace alertjoin

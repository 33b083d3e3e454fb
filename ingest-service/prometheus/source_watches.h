#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "common/log/log.h"
#include "ingest-service/prometheus/executor.h"
#include "ingest-service/prometheus/sample_sink.h"
#include "ingest-service/prometheus/source_watch.h"

namespace alertjoin {

// The watches of all metrics sources of a process: hands their reports to the sink as they become
// due, those of one source at least a second apart. Add and Step run on one thread, or one after
// the other; what is passed in must outlive it.
class SourceWatches {
 public:
  struct Environment {
    SampleSink& sink;
    Executor& executor;
    prometheus::Registry& registry;
    const Clock& clock;
  };

  // `producer_id` is who says so.
  SourceWatches(std::string producer_id, Environment environment);

  // Lives as long as this.
  SourceWatch& Add(const std::string& source);

  // Appends what is due. Gives when to come again; a change of a source's health makes that
  // earlier.
  Timestamp Step();

 private:
  struct Watched {
    SourceWatch watch;
    Timestamp not_before = Timestamp::Min();
  };

  const std::string producer_id_;
  const Environment environment_;
  LogLimiter log_limiter_;
  std::vector<std::unique_ptr<Watched>> watched_;
};

}  // namespace alertjoin

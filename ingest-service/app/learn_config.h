#pragma once

#include "common/config/yaml_reader.h"
#include "ingest-service/prometheus/metrics_source_options.h"

namespace alertjoin {

// Reads the block `learn` of a metrics source; README.md lists its keys. Faults go to the document.
LearnOptions ReadLearn(YamlNode node);

}  // namespace alertjoin

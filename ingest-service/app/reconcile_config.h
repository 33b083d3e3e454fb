#pragma once

#include <chrono>

#include "common/config/yaml_reader.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// How transitions that were never sent to us are looked for; README.md lists the keys.
struct ReconcileOptions {
  bool enabled = true;
  Millis interval = std::chrono::seconds(30);
  Millis wait = std::chrono::minutes(1);
  Millis lookback = std::chrono::hours(6);

  friend bool operator==(const ReconcileOptions&, const ReconcileOptions&) = default;
};

// Reads the map `reconcile`; faults stay in the document.
ReconcileOptions ReadReconcile(YamlNode node);

}  // namespace alertjoin

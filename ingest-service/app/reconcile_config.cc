#include "ingest-service/app/reconcile_config.h"

namespace alertjoin {
namespace {

constexpr Millis kIntervalMost = std::chrono::hours(1);
constexpr Millis kWaitMost = std::chrono::hours(1);
// As much as is made up for after a long absence.
constexpr Millis kLookbackMost = std::chrono::hours(7 * 24);

}  // namespace

ReconcileOptions ReadReconcile(YamlNode node) {
  ReconcileOptions options;
  options.enabled = node.Child("enabled").Bool(options.enabled);
  options.interval =
      node.Child("interval").Duration(options.interval, std::chrono::seconds(1), kIntervalMost);
  options.wait = node.Child("wait").Duration(options.wait, Millis(0), kWaitMost);
  options.lookback = node.Child("lookback").Duration(options.lookback, Millis(0), kLookbackMost);
  node.Finish();
  return options;
}

}  // namespace alertjoin

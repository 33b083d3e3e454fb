#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/text/labels.h"
#include "common/time/timestamp.h"
#include "ingest-service/reconcile/relabel.h"

namespace alertjoin {

// What a Prometheus does to the labels of an alert before it sends it to Alertmanager: its own API
// and its ALERTS series have the labels of before. Immutable; a value type.
class AlertLabelling {
 public:
  // No external labels, no relabelling.
  AlertLabelling() = default;

  // Reads the YAML that /api/v1/status/config gives; `version` is that of /api/v1/status/buildinfo
  // ("2.42.0"; "" when not known, then 3 is taken). INVALID_ARGUMENT, with line and column, when it
  // is not what a Prometheus gives.
  static absl::StatusOr<AlertLabelling> Parse(std::string_view config, std::string_view version);

  // The labels that the alert has when it is sent; nothing when it is dropped. Where Alertmanagers
  // have relabelling of their own (3.0 and later), those of the first that gets it.
  std::optional<LabelSet> LabelsSent(const LabelSet& labels) const;

  // `global.rule_query_offset`: evaluations have so much later times than the samples they make.
  Millis query_offset() const { return query_offset_; }
  // `global.evaluation_interval`; a minute when it is not there.
  Millis evaluation_interval() const { return evaluation_interval_; }

 private:
  std::vector<LabelSet::Label> external_labels_;
  std::vector<RelabelRule> rules_;
  std::vector<std::vector<RelabelRule>> alertmanagers_;  // Their own rules, after those above.
  Millis query_offset_{0};
  Millis evaluation_interval_ = std::chrono::minutes(1);
};

}  // namespace alertjoin

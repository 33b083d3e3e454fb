#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "common/event/event.h"
#include "correlator-service/model/joined_row.h"
#include "tests/support/at_time.h"

namespace alertjoin {

// Short names for the events of join tests. Times are milliseconds near the epoch; the source is
// "am", the metrics source "prom". An alert is told by its label `a`.

Query QueryNamed(const std::string& name, TimeKind kind = TimeKind::kSample);
// Bound on label `i`, tolerance 100 ms.
Binding BindOn(const std::string& query, std::vector<std::string> on = {"i"});
Binding BindAgreeing(const std::string& query);

// received_time is `starts_at` unless given.
TransitionEvent Firing(LabelSet labels, int64_t starts_at, std::vector<Binding> bindings);
TransitionEvent FiringHeard(LabelSet labels, int64_t starts_at, int64_t received_at,
                            std::vector<Binding> bindings);
TransitionEvent Resolved(LabelSet labels, int64_t starts_at, int64_t ends_at,
                         std::vector<Binding> bindings);

SampleBatch Samples(const std::string& query, LabelSet labels,
                    const std::vector<std::pair<int64_t, double>>& samples);
// The same with a pending start.
TransitionEvent Since(int64_t active_at, TransitionEvent event);
QueryError Refused(const std::string& query, int64_t time, std::string error);
QueryProgress Covered(const std::string& query, int64_t from, int64_t through);

// What readers see of a row, without revision and cause, on one line:
// "FIRING @100 depth{i="1"} MATCHED 5 @90 final".
std::string Describe(const JoinedRow& row);
// The descriptions, sorted.
std::vector<std::string> Describe(const std::vector<JoinedRow>& rows);
// All of a row that follows from the set of events alone, but for its id. No two rows of one moment
// are described alike.
std::string DescribeFully(const JoinedRow& row);
// As Describe, with operation, revision and cause in front: "UPSERT 2 SAMPLE FIRING ...".
std::string DescribeChange(const JoinedRow& row);

}  // namespace alertjoin

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "alertjoin/v1/samples.pb.h"
#include "common/event/event_parts.h"
#include "common/status/status.h"
#include "tests/support/engine_tables.h"
#include "tests/support/join_events.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/correlator-service/query/expect_refusal.h"

namespace alertjoin {

// An engine that is read through its tables.
class TablesTest : public testing::Test {
 protected:
  template <typename... Events>
  void Apply(Events... events) {
    std::vector<Event> batch;
    (batch.emplace_back(std::move(events)), ...);
    engine_.Apply(std::move(batch), At(0));
  }
  // Series 1 to `count` of the query, each with samples at 10 and 20.
  void ApplySeries(const std::string& query, int count) {
    for (int i = 1; i <= count; ++i) {
      Apply(Samples(query, LabelSet{{"i", std::to_string(i)}}, {{10, i}, {20, 10.0 * i}}));
    }
  }
  static v1::SeriesSelector Of(const std::string& query, const std::string& filter = "") {
    v1::SeriesSelector selector;
    selector.set_query_name(query);
    selector.set_filter(filter);
    return selector;
  }
  // "q{i="1"}"
  static std::string NameOf(const v1::Series& series) {
    return series.query().name() + ToString(DecodeLabels(series.labels()));
  }
  template <typename Response>
  static void ExpectRefused(const absl::StatusOr<Response>& response, const std::string& reason,
                            const std::string& field) {
    ExpectRefusal(response, reason, field);
  }

  Engine engine_{EngineLimits{}};
  EngineTables tables_{engine_};
};

}  // namespace alertjoin

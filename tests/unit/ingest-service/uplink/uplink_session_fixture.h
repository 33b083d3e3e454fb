#pragma once

// A session over a spool in memory, and the correlator's end of it, as the test plays it.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/eventlog/memory_event_log.h"
#include "ingest-service/uplink/uplink_session.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/spool/alert_event.h"

namespace alertjoin {

inline constexpr Timestamp kNow = Timestamp::FromMillis(1'772'000'000'000);

class UplinkSessionTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(spool_.BeginEpoch(kNow), IsOk()); }
  void Append(const Event& event) { ASSERT_THAT(spool_.Append(std::vector<Event>{event}), IsOk()); }
  void AppendAlerts(int count) {
    for (int i = 0; i < count; ++i) Append(Alert("f"));
  }
  absl::StatusOr<UplinkSession::News> Welcome(uint64_t durable, const std::string& store = "s",
                                              uint32_t window = 1000) {
    v1::PushEventsResponse response;
    response.mutable_welcome()->set_durable_sequence(durable);
    response.mutable_welcome()->set_store_id(store);
    response.mutable_welcome()->set_window_events_max(window);
    return session_.OnResponse(response);
  }
  absl::StatusOr<UplinkSession::News> Ack(uint64_t durable) {
    v1::PushEventsResponse response;
    response.mutable_ack()->set_durable_sequence(durable);
    return session_.OnResponse(response);
  }
  // "base:count" of the next batch, which is in `batch_`; "" when there is none.
  std::string Next() {
    batch_.Clear();
    const auto next = session_.NextBatch();
    EXPECT_THAT(next, IsOk());
    if (!next.ok() || !next->has_value()) return "";
    v1::PushEventsRequest request;
    EXPECT_TRUE(request.ParseFromString((*next)->request));
    batch_.Swap(request.mutable_batch());
    EXPECT_EQ(static_cast<size_t>(batch_.events_size()), (*next)->events);
    return std::to_string(batch_.base_sequence()) + ":" + std::to_string(batch_.events_size());
  }
  void Open(uint64_t durable = 0) {
    session_.Connect();
    ASSERT_THAT(Welcome(durable), IsOk());
  }

  MemoryEventLog log_{64 << 20};
  Spool spool_{log_, 64 << 20};
  UplinkSession session_{spool_, {"ingest-1", "1.0"}};
  v1::EventBatch batch_;
};

}  // namespace alertjoin

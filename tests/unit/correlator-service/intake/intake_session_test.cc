#include "correlator-service/intake/intake_session.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/event/event_limits.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/correlator-service/intake/held_sink.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

std::string ReasonOf(const absl::Status& status) {
  const auto detail = DetailOf(status);
  return detail.has_value() ? detail->reason : "";
}

v1::PushEventsRequest Hello(uint64_t first = 1, uint64_t next = 100, uint64_t epoch = 1) {
  v1::PushEventsRequest request;
  v1::Hello* hello = request.mutable_hello();
  hello->set_producer_id("p");
  hello->set_log_id("l");
  hello->set_epoch(epoch);
  hello->set_first_sequence(first);
  hello->set_next_sequence(next);
  return request;
}

// Alerts whose fingerprints are their sequences.
v1::PushEventsRequest Batch(uint64_t base, uint64_t count) {
  v1::PushEventsRequest request;
  request.mutable_batch()->set_base_sequence(base);
  for (uint64_t sequence = base; sequence < base + count; ++sequence) {
    TransitionEvent alert;
    alert.source = "am";
    alert.fingerprint = std::to_string(sequence);
    EventEncoder().Encode(alert, request.mutable_batch()->add_events());
  }
  return request;
}

class IntakeSessionTest : public ::testing::Test {
 protected:
  std::unique_ptr<IntakeSession> Session() {
    return std::make_unique<IntakeSession>(registry_, sink_, "store", metrics_,
                                           [this] { ++wakes_; });
  }
  std::unique_ptr<IntakeSession> OpenSession(uint64_t first = 1) {
    auto session = Session();
    EXPECT_THAT(session->OnRequest(Hello(first)), IsOk());
    EXPECT_TRUE(Answer(*session).has_welcome());
    return session;
  }
  static absl::Status Take(IntakeSession& session, const v1::PushEventsRequest& request) {
    RETURN_IF_ERROR(session.OnRequest(request));
    const auto pushed = session.PushPending();
    RETURN_IF_ERROR(pushed);
    EXPECT_TRUE(*pushed);
    return absl::OkStatus();
  }
  static v1::PushEventsResponse Answer(IntakeSession& session) {
    v1::PushEventsResponse response;
    EXPECT_TRUE(session.NextResponse(&response));
    return response;
  }
  static bool HasAnswer(IntakeSession& session) {
    v1::PushEventsResponse response;
    return session.NextResponse(&response);
  }

  prometheus::Registry prometheus_;
  IntakeMetrics metrics_{prometheus_};
  ProducerRegistry registry_;
  HeldSink sink_;
  int wakes_ = 0;
};

TEST_F(IntakeSessionTest, WelcomeTellsStoreWindowAndWhereToStart) {
  const auto session = Session();
  EXPECT_FALSE(HasAnswer(*session));
  ASSERT_THAT(session->OnRequest(Hello(5)), IsOk());
  const auto response = Answer(*session);
  EXPECT_EQ(response.welcome().durable_sequence(), 4U);
  EXPECT_EQ(response.welcome().store_id(), "store");
  EXPECT_EQ(response.welcome().window_events_max(), IntakeSession::kWindowEventsMax);
  EXPECT_FALSE(HasAnswer(*session));
}

TEST_F(IntakeSessionTest, AckComesOnlyWhenApplied) {
  const auto session = OpenSession();
  ASSERT_THAT(Take(*session, Batch(1, 3)), IsOk());
  EXPECT_THAT(sink_.events, ElementsAre("1", "2", "3"));
  EXPECT_FALSE(HasAnswer(*session));
  EXPECT_FALSE(session->IsDrained());
  sink_.ApplyAll();
  EXPECT_EQ(wakes_, 1);
  EXPECT_TRUE(session->IsDrained());
  EXPECT_EQ(Answer(*session).ack().durable_sequence(), 3U);
  EXPECT_FALSE(HasAnswer(*session));
}

TEST_F(IntakeSessionTest, AcksOfSeveralBatchesCoalesce) {
  const auto session = OpenSession();
  ASSERT_THAT(Take(*session, Batch(1, 1)), IsOk());
  ASSERT_THAT(Take(*session, Batch(2, 1)), IsOk());
  sink_.ApplyAll();
  EXPECT_EQ(Answer(*session).ack().durable_sequence(), 2U);
  EXPECT_FALSE(HasAnswer(*session));
}

TEST_F(IntakeSessionTest, BatchesInThePipelineAreBounded) {
  const auto session = OpenSession();
  for (uint64_t i = 0; i < IntakeSession::kBatchesInFlightMax; ++i) {
    ASSERT_TRUE(session->CanTakeRequest());
    ASSERT_THAT(Take(*session, Batch(i + 1, 1)), IsOk());
  }
  EXPECT_FALSE(session->CanTakeRequest());
  ASSERT_TRUE(sink_.ApplyOne());
  EXPECT_TRUE(session->CanTakeRequest());
}

TEST_F(IntakeSessionTest, LargeBatchesInThePipelineAreFewer) {
  const auto session = OpenSession();
  v1::PushEventsRequest batch = Batch(1, 1);
  batch.mutable_batch()->mutable_events(0)->mutable_transition()->set_traceparent(
      std::string(IntakeSession::kBytesInFlight / 4, 'x'));
  for (uint64_t i = 0; i < IntakeSession::kBatchesInFlightMin; ++i) {
    ASSERT_TRUE(session->CanTakeRequest());
    batch.mutable_batch()->set_base_sequence(i + 1);
    ASSERT_THAT(Take(*session, batch), IsOk());
  }
  EXPECT_FALSE(session->CanTakeRequest());
  ASSERT_TRUE(sink_.ApplyOne());
  EXPECT_TRUE(session->CanTakeRequest());
}

TEST_F(IntakeSessionTest, FullPipelineKeepsTheBatchUntilThereIsRoom) {
  const auto session = OpenSession();
  sink_.full = true;
  ASSERT_THAT(session->OnRequest(Batch(1, 2)), IsOk());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(*session->PushPending());
    EXPECT_FALSE(session->CanTakeRequest());
  }
  sink_.full = false;
  EXPECT_TRUE(*session->PushPending());
  EXPECT_THAT(sink_.events, ElementsAre("1", "2"));
  sink_.ApplyAll();
  EXPECT_TRUE(session->IsDrained());
  EXPECT_EQ(Answer(*session).ack().durable_sequence(), 2U);
}

TEST_F(IntakeSessionTest, HoleIsOutOfRangeAndSaysWhereToGoOn) {
  const auto session = OpenSession();
  ASSERT_THAT(Take(*session, Batch(1, 2)), IsOk());
  const absl::Status status = session->OnRequest(Batch(4, 1));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kOutOfRange, "go on with sequence 3"));
  const auto detail = DetailOf(status);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "SEQUENCE_HOLE");
  EXPECT_THAT(detail->metadata,
              ElementsAre(std::pair<std::string, std::string>("expected_sequence", "3")));
  EXPECT_THAT(sink_.events, ElementsAre("1", "2"));
}

TEST_F(IntakeSessionTest, DuplicatesAreAckedAgainAndIgnored) {
  const auto session = OpenSession();
  ASSERT_THAT(Take(*session, Batch(1, 3)), IsOk());
  sink_.ApplyAll();
  ASSERT_EQ(Answer(*session).ack().durable_sequence(), 3U);
  ASSERT_THAT(Take(*session, Batch(1, 3)), IsOk());
  EXPECT_EQ(Answer(*session).ack().durable_sequence(), 3U);
  EXPECT_FALSE(HasAnswer(*session));
  ASSERT_THAT(Take(*session, Batch(2, 4)), IsOk());
  EXPECT_THAT(sink_.events, ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_EQ(metrics_.duplicates.Value(), 5);
  EXPECT_EQ(metrics_.events.Value(), 5);
}

TEST_F(IntakeSessionTest, SeriesDefinedInADuplicateIsKnownAfterwards) {
  auto query = std::make_shared<Query>(Query{"prom", "up", "up", TimeKind::kSample});
  SampleBatch samples;
  samples.series.push_back(std::make_shared<SeriesKey>(SeriesKey{query, {{"job", "a"}}}));
  samples.series_index = {0};
  samples.times.resize(1);
  samples.values = {1};
  {
    const auto session = OpenSession();
    ASSERT_THAT(Take(*session, Batch(1, 1)), IsOk());
  }
  const auto session = Session();
  ASSERT_THAT(session->OnRequest(Hello(1)), IsOk());
  EventEncoder encoder;
  v1::PushEventsRequest again;
  again.mutable_batch()->set_base_sequence(1);
  encoder.Encode(samples, again.mutable_batch()->add_events());
  ASSERT_THAT(Take(*session, again), IsOk());
  v1::PushEventsRequest next;
  next.mutable_batch()->set_base_sequence(2);
  encoder.Encode(samples, next.mutable_batch()->add_events());
  EXPECT_EQ(next.batch().events(0).samples().series_size(), 0);
  ASSERT_THAT(Take(*session, next), IsOk());
  EXPECT_THAT(sink_.events, ElementsAre("1", "other"));
}

TEST_F(IntakeSessionTest, EventsOnTheirWayAreNotTakenAgainByTheNextStream) {
  {
    const auto session = OpenSession();
    ASSERT_THAT(Take(*session, Batch(1, 3)), IsOk());
  }
  const auto session = Session();
  ASSERT_THAT(session->OnRequest(Hello()), IsOk());
  EXPECT_EQ(Answer(*session).welcome().durable_sequence(), 0U);
  ASSERT_THAT(Take(*session, Batch(1, 4)), IsOk());
  EXPECT_THAT(sink_.events, ElementsAre("1", "2", "3", "4"));
  sink_.ApplyAll();
  EXPECT_EQ(Answer(*session).ack().durable_sequence(), 4U);
}

TEST_F(IntakeSessionTest, AppliedAfterTheEndIsRememberedForTheNextStream) {
  auto session = OpenSession();
  ASSERT_THAT(Take(*session, Batch(1, 3)), IsOk());
  session.reset();
  sink_.ApplyAll();
  EXPECT_EQ(wakes_, 0);
  const auto next = Session();
  ASSERT_THAT(next->OnRequest(Hello()), IsOk());
  EXPECT_EQ(Answer(*next).welcome().durable_sequence(), 3U);
}

TEST_F(IntakeSessionTest, HigherEpochFencesTheOlderStream) {
  const auto older = OpenSession();
  ASSERT_THAT(older->OnRequest(Batch(1, 1)), IsOk());
  const auto newer = Session();
  ASSERT_THAT(newer->OnRequest(Hello(1, 100, 2)), IsOk());
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(older->Check(), StatusIs(absl::StatusCode::kFailedPrecondition, "fenced"));
  EXPECT_EQ(ReasonOf(older->Check()), "FENCED");
  EXPECT_THAT(older->PushPending(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(newer->Check(), IsOk());
  EXPECT_THAT(sink_.events, IsEmpty());
  ASSERT_THAT(Take(*newer, Batch(1, 1)), IsOk());
}

TEST_F(IntakeSessionTest, MalformedEventIsNamedAndThoseBeforeItAreTaken) {
  const auto session = OpenSession();
  auto request = Batch(1, 3);
  request.mutable_batch()->mutable_events(2)->mutable_transition()->clear_source();
  ASSERT_THAT(session->OnRequest(request), IsOk());
  const auto end = session->PushPending();
  EXPECT_THAT(end, StatusIs(kInvalid, "event 3: malformed event: transition.source"));
  EXPECT_EQ(ReasonOf(end.status()), "MALFORMED_EVENT");
  EXPECT_THAT(sink_.events, ElementsAre("1", "2"));
}

TEST_F(IntakeSessionTest, MalformedFirstEventEndsTheStreamAtOnce) {
  const auto session = OpenSession();
  auto request = Batch(1, 1);
  request.mutable_batch()->mutable_events(0)->Clear();
  EXPECT_THAT(session->OnRequest(request), StatusIs(kInvalid, "event 1: malformed event: kind"));
  EXPECT_THAT(sink_.events, IsEmpty());
}

TEST_F(IntakeSessionTest, BatchBreakingALimitIsMalformed) {
  const auto refuse = [this](const v1::PushEventsRequest& request, const std::string& text) {
    const auto session = OpenSession();
    const absl::Status status = session->OnRequest(request);
    EXPECT_THAT(status, StatusIs(kInvalid, text));
    EXPECT_EQ(ReasonOf(status), "MALFORMED_EVENT");
  };
  refuse(Batch(1, 0), "batch.events: must not be empty");
  refuse(Batch(1, kBatchEventsMax + 1), "batch.events: has 10001 events");
  refuse(Batch(0, 1), "batch.base_sequence");
  auto large = Batch(1, 1);
  large.mutable_batch()->mutable_events(0)->mutable_transition()->set_generator_url(
      std::string(kBatchBytesMax, 'x'));
  refuse(large, "batch: has ");
  EXPECT_THAT(sink_.events, IsEmpty());
}

TEST_F(IntakeSessionTest, HelloBreakingARuleNamesItsField) {
  const auto refuse = [this](const std::function<void(v1::Hello*)>& break_rule,
                             const std::string& field) {
    auto request = Hello();
    break_rule(request.mutable_hello());
    const auto session = Session();
    const absl::Status status = session->OnRequest(request);
    EXPECT_THAT(status, StatusIs(kInvalid, field + ": "));
    EXPECT_EQ(ReasonOf(status), "MALFORMED_EVENT");
    EXPECT_FALSE(HasAnswer(*session));
  };
  refuse([](auto* h) { h->clear_producer_id(); }, "hello.producer_id");
  refuse([](auto* h) { h->set_producer_id(std::string(257, 'p')); }, "hello.producer_id");
  refuse([](auto* h) { h->clear_log_id(); }, "hello.log_id");
  refuse([](auto* h) { h->set_log_id(std::string(257, 'l')); }, "hello.log_id");
  refuse([](auto* h) { h->clear_epoch(); }, "hello.epoch");
  refuse([](auto* h) { h->clear_first_sequence(); }, "hello.first_sequence");
  refuse([](auto* h) { h->clear_next_sequence(); }, "hello.next_sequence");
  refuse([](auto* h) { h->set_next_sequence(UINT64_MAX); }, "hello.next_sequence");
  refuse([](auto* h) { h->set_start_sequence(h->next_sequence() + 1); }, "hello.start_sequence");
}

TEST_F(IntakeSessionTest, MessagesOutOfTurnAreMalformed) {
  EXPECT_THAT(Session()->OnRequest(Batch(1, 1)), StatusIs(kInvalid, "must be the first message"));
  EXPECT_THAT(Session()->OnRequest(v1::PushEventsRequest()), StatusIs(kInvalid));
  EXPECT_THAT(OpenSession()->OnRequest(Hello()), StatusIs(kInvalid, "must come once"));
  EXPECT_THAT(OpenSession()->OnRequest(v1::PushEventsRequest()), StatusIs(kInvalid, "message"));
}

TEST_F(IntakeSessionTest, RefusalsAreCountedUnderTheirReason) {
  const auto count = [this](const std::string& reason) {
    return metrics_.refused.Add({{"reason", reason}}).Value();
  };
  metrics_.CountRefusal(Session()->OnRequest(Batch(1, 1)));
  metrics_.CountRefusal(absl::InternalError("no reason"));
  metrics_.CountRefusal(WithReason(absl::InternalError(""), "INVENTED"));
  EXPECT_EQ(count("MALFORMED_EVENT"), 1);
  EXPECT_EQ(count("OTHER"), 2);
  EXPECT_EQ(count("FENCED"), 0);
}

}  // namespace
}  // namespace alertjoin

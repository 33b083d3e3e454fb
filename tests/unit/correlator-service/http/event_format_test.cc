#include <gtest/gtest.h>

#include <limits>

#include "alertjoin/v1/correlator_service.pb.h"
#include "correlator-service/http/event_stream.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

TEST(FormatEvent, HasTheTokenAsIdAndTheMemberAsData) {
  v1::SubscribeJoinedRowsResponse message;
  message.set_resume_token("abc-_");
  v1::JoinedRow* const row = message.mutable_rows()->add_rows();
  row->set_row_id("7");
  row->mutable_match()->set_value(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(FormatEvent(message).value(),
            "id: abc-_\nevent: rows\n"
            "data: {\"rows\":[{\"rowId\":\"7\",\"match\":{\"value\":\"NaN\"}}]}\n\n");
}

// A line break in a label would begin another field of the event.
TEST(FormatEvent, HostileTextStaysInItsLine) {
  v1::SubscribeJoinedRowsResponse message;
  message.set_resume_token("t");
  auto& labels = *message.mutable_rows()->add_rows()->mutable_transition()->mutable_labels();
  labels["a\nid: evil"] = "\r\n\ndata: evil\xe2\x80\xa8";
  const std::string event = FormatEvent(message).value();
  EXPECT_EQ(std::count(event.begin(), event.end(), '\n'), 4);
  EXPECT_EQ(event.find('\r'), event.npos);
}

TEST(FormatEvent, EveryMemberHasAnEventOfItsName) {
  v1::SubscribeJoinedRowsResponse message;
  const auto* const oneof = message.GetDescriptor()->FindOneofByName("message");
  for (int i = 0; i < oneof->field_count(); ++i) {
    const auto* const field = oneof->field(i);
    message.GetReflection()->MutableMessage(&message, field);
    const std::string event = FormatEvent(message).value();
    EXPECT_EQ(event, "id: \nevent: " + field->name() + "\ndata: {}\n\n");
  }
}

TEST(FormatEvent, AMessageOfALaterReleaseIsLeftOut) {
  EXPECT_EQ(FormatEvent(v1::SubscribeJoinedRowsResponse()).value(), "");
}

}  // namespace
}  // namespace alertjoin

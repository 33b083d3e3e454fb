#include "common/eventlog/stored_record.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

TEST(StoredRecord, KeysSortAsPositionsDo) {
  LogPosition last(1);
  for (const uint64_t value : {uint64_t{2}, uint64_t{255}, uint64_t{256}, uint64_t{1} << 40}) {
    EXPECT_LT(PositionKey(last), PositionKey(LogPosition(value)));
    last = LogPosition(value);
    EXPECT_EQ(*ParsePositionKey(PositionKey(last)), last);
  }
  EXPECT_EQ(PositionKey(LogPosition(0x0102)), std::string("\0\0\0\0\0\0\1\2", 8));
  EXPECT_THAT(ParsePositionKey("short"), StatusIs(absl::StatusCode::kDataLoss, "5 bytes"));
}

TEST(StoredRecord, ValuesReadBack) {
  const std::string value = EncodeStoredRecord(0x1234, "payload");
  const auto record = DecodeStoredRecord(value);
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(record->bytes_before, 0x1234U);
  EXPECT_EQ(record->payload, "payload");
  const auto floor = DecodeFloor(EncodeFloor({LogPosition(7), 900}));
  ASSERT_THAT(floor, IsOk());
  EXPECT_EQ(floor->first, LogPosition(7));
  EXPECT_EQ(floor->bytes_before, 900U);
}

TEST(StoredRecord, UnknownVersionIsRefusedByName) {
  std::string value = EncodeStoredRecord(0, "payload");
  value[0] = 9;
  const auto record = DecodeStoredRecord(value);
  EXPECT_THAT(record, StatusIs(absl::StatusCode::kFailedPrecondition, "format version 9"));
  EXPECT_EQ(DetailOf(record.status())->reason, "LOG_FORMAT_UNKNOWN");
  std::string floor = EncodeFloor({});
  floor[0] = 0;
  EXPECT_THAT(DecodeFloor(floor), StatusIs(absl::StatusCode::kFailedPrecondition, "version 0"));
}

TEST(StoredRecord, ShortValuesAreDataLoss) {
  EXPECT_THAT(DecodeStoredRecord(""), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(DecodeStoredRecord(EncodeStoredRecord(1, "").substr(0, 8)),
              StatusIs(absl::StatusCode::kDataLoss, "8 bytes"));
  EXPECT_THAT(DecodeFloor(EncodeFloor({}).substr(0, 16)), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(StoredRecord, GreatestMarkOfThatLogIsFound) {
  const std::string bytes = "..." + EncodeDurableMark("mine", LogPosition(5)) + "." +
                            EncodeDurableMark("mine", LogPosition(300)) +
                            EncodeDurableMark("other", LogPosition(999)) +
                            EncodeDurableMark("mine", LogPosition(7));
  EXPECT_EQ(FindDurableMark(bytes, "mine"), LogPosition(300));
  EXPECT_EQ(FindDurableMark(bytes.substr(0, 37), "mine"), LogPosition(0));
  EXPECT_EQ(FindDurableMark("", "mine"), LogPosition(0));
}

TEST(StoredRecord, MarkThatIsCutInTwoIsPassedOver) {
  const std::string mark = EncodeDurableMark("mine", LogPosition(5));
  for (size_t at = 1; at < mark.size(); ++at) {
    std::string cut = mark;
    cut.insert(at, "\x12\x34\x56\x78\x01\x02\x04");
    EXPECT_EQ(FindDurableMark(cut, "mine"), LogPosition(0)) << at;
    EXPECT_EQ(FindDurableMark(mark.substr(0, at), "mine"), LogPosition(0)) << at;
  }
}

}  // namespace
}  // namespace alertjoin

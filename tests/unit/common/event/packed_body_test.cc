#include "common/event/packed_body.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "common/event/event_codec.h"
#include "common/event/event_limits.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

std::string Repeated(size_t times) {
  std::string body;
  for (size_t i = 0; i < times; ++i) {
    body += R"({"status":"firing","labels":{"instance":")" + std::to_string(i) + R"("}})";
  }
  return body;
}

std::string Noise(std::mt19937_64& random, size_t bytes) {
  std::string body(bytes, '\0');
  for (char& c : body) c = static_cast<char>(random());
  return body;
}

// The payload as an event, as another program may send it.
v1::Event Sent(const std::string& body, const std::string& lz4_body, uint32_t body_bytes) {
  v1::Event event;
  v1::RawPayload& payload = *event.mutable_raw_payload();
  payload.set_source("am");
  payload.mutable_received_time()->set_seconds(1);
  payload.set_body(body);
  payload.set_lz4_body(lz4_body);
  payload.set_body_bytes(body_bytes);
  return event;
}

absl::Status DecodeError(const v1::Event& event) { return EventDecoder(1).Decode(event).status(); }

TEST(PackedBody, ComesBackAsItWas) {
  std::mt19937_64 random(TestSeed());
  for (const size_t times : {10, 100, 10'000}) {
    const std::string body = Repeated(times) + Noise(random, 20);
    const std::string packed = PackBody(body);
    ASSERT_FALSE(packed.empty());
    EXPECT_LT(packed.size(), body.size() / 2);
    const auto unpacked = UnpackBody(packed, body.size());
    ASSERT_THAT(unpacked, IsOk());
    EXPECT_EQ(*unpacked, body);
  }
}

TEST(PackedBody, WhatWouldNotGetSmallerStaysAsItIs) {
  std::mt19937_64 random(TestSeed());
  for (const size_t bytes : {0, 1, 7, 8, 9, 100, 100'000}) {
    EXPECT_EQ(PackBody(Noise(random, bytes)), "") << bytes;
  }
  EXPECT_EQ(PackBody(std::string(kRawPayloadBytesMax + 1, 'a')), "");
}

TEST(PackedBody, WhatRepeatsItselfWithoutEndIsPackedAsFarAsIsAllowed) {
  std::mt19937_64 random(TestSeed());
  for (const size_t bytes : {400, 5'000, 100'000, 1 << 20, static_cast<int>(kRawPayloadBytesMax)}) {
    // Its first literals are none, a few, and so many that their number takes bytes of its own.
    for (const size_t noise : {0, 1, 14, 15, 16, 300}) {
      const std::string body = Noise(random, noise) + std::string(bytes - noise, 'a');
      const std::string packed = PackBody(body);
      if (packed.empty()) {
        EXPECT_LT(bytes, 4'000) << noise;
        continue;
      }
      EXPECT_GE(packed.size() * kUnpackedTimesMax, body.size());
      EXPECT_LT(packed.size(), body.size() / kUnpackedTimesMax * 5 / 4 + 400);
      const auto unpacked = UnpackBody(packed, body.size());
      ASSERT_THAT(unpacked, IsOk()) << bytes << " " << noise;
      EXPECT_EQ(*unpacked, body);
    }
    // The part that is compressed may begin with literals of its own.
    std::string body(bytes, 'a');
    const std::string in_the_middle = Noise(random, bytes / 17);
    body.replace(bytes / 17, in_the_middle.size(), in_the_middle);
    if (const std::string packed = PackBody(body); !packed.empty()) {
      ASSERT_THAT(UnpackBody(packed, body.size()), IsOk());
      EXPECT_EQ(*UnpackBody(packed, body.size()), body);
    }
  }
}

TEST(PackedBody, NobodySendsLittleThatTakesMuch) {
  const std::string body(1 << 20, 'a');
  // What LZ4 makes of it, by hand: one literal, a match as long as the rest, five literals.
  std::string bomb(
      "\x1f"
      "a\x01\x00",
      4);
  size_t match = body.size() - 1 - 5 - 4 - 15;
  for (; match >= 255; match -= 255) bomb += '\xff';
  bomb += static_cast<char>(match);
  bomb +=
      "\x50"
      "aaaaa";
  ASSERT_LT(bomb.size(), body.size() / 200);
  const absl::Status refused = UnpackBody(bomb, body.size()).status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument, "at most 16 times"));
  EXPECT_THAT(UnpackBody(PackBody(Repeated(20)), Repeated(20).size()), IsOk());
}

TEST(PackedBody, DamageIsFoundWithoutReadingOrWritingElsewhere) {
  const std::string body = Repeated(20);
  const std::string packed = PackBody(body);
  for (size_t size = 0; size < packed.size(); ++size) {
    EXPECT_THAT(UnpackBody(packed.substr(0, size), body.size()),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << size;
  }
  for (const size_t bytes : {size_t{0}, size_t{1}, body.size() - 1, body.size() + 1,
                             kRawPayloadBytesMax, kRawPayloadBytesMax + 1}) {
    EXPECT_THAT(UnpackBody(packed, bytes), StatusIs(absl::StatusCode::kInvalidArgument)) << bytes;
  }
  // A block says nothing of its own damage: what comes out may differ, and no more.
  for (size_t i = 0; i < packed.size(); ++i) {
    std::string damaged = packed;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x5a);
    const auto unpacked = UnpackBody(damaged, body.size());
    if (unpacked.ok()) {
      EXPECT_EQ(unpacked->size(), body.size());
    }
  }
}

TEST(PackedBody, TravelsInStreamsAndRecords) {
  const RawPayload payload{"am", Timestamp::FromMillis(5), Repeated(100)};
  v1::Event event;
  EventEncoder().Encode(payload, &event);
  EXPECT_EQ(event.raw_payload().body(), "");
  EXPECT_LT(event.ByteSizeLong(), payload.body.size() / 2);
  const auto received = EventDecoder(1).Decode(event);
  ASSERT_THAT(received, IsOk());
  EXPECT_EQ(std::get<RawPayload>(*received), payload);

  const std::string record = EncodeRecord(payload);
  EXPECT_LT(record.size(), payload.body.size() / 2);
  const auto stored = DecodeRecord(record);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(std::get<RawPayload>(*stored), payload);
}

TEST(PackedBody, EventsThatContradictThemselvesAreRefused) {
  const std::string body = Repeated(20);
  const std::string packed = PackBody(body);
  const auto bytes = static_cast<uint32_t>(body.size());
  EXPECT_THAT(DecodeError(Sent("", packed, bytes)), IsOk());
  EXPECT_THAT(DecodeError(Sent(body, "", 0)), IsOk());
  EXPECT_EQ(DecodeError(Sent(body, packed, bytes)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DecodeError(Sent(body, "", bytes)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DecodeError(Sent("", "", 0)).code(), absl::StatusCode::kInvalidArgument);
  // No memory is taken for what is only said.
  const absl::Status bomb = DecodeError(Sent("", packed, 0xffffffff));
  EXPECT_THAT(std::string(bomb.message()), ::testing::HasSubstr("raw_payload.body_bytes"));
}

}  // namespace
}  // namespace alertjoin

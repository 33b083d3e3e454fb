#include "correlator-service/subscribe/resume_token.h"

#include <gtest/gtest.h>

#include "correlator-service/subscribe/sample_token.h"
#include "tests/support/joined_rows.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr int64_t kNoTimes[] = {INT64_MIN, Timestamp::Min().millis() - 1,
                                Timestamp::Max().millis() + 1, INT64_MAX};

ResumeToken TokenOf(Timestamp snapshot_from, Timestamp event_time) {
  ResumeToken token;
  token.store_id = "store";
  token.argument_hash = 7;
  token.sequence = Sequence(8);
  token.snapshot_from = snapshot_from;
  token.position = RowPosition{event_time, IdOf(9)};
  return token;
}

TEST(ResumeToken, AnyIsDecodedAsItWas) {
  ResumeToken token = TokenOf(Timestamp::Min(), Timestamp::Max());
  EXPECT_EQ(*DecodeResumeToken(EncodeResumeToken(token)), token);
  token.position.reset();
  EXPECT_EQ(*DecodeResumeToken(EncodeResumeToken(token)), token);
  token = {"", 7, ResumeToken::Phase::kLive, Sequence(8), {}, {}};
  EXPECT_EQ(*DecodeResumeToken(EncodeResumeToken(token)), token);
}

// Whoever has a token can make others of it: their times were reckoned with.
TEST(ResumeToken, AForgedTimeIsRefused) {
  for (const int64_t ms : kNoTimes) {
    const auto time = Timestamp::FromMillis(ms);
    for (const ResumeToken& forged : {TokenOf(time, kRowsNow), TokenOf(kRowsNow, time)}) {
      EXPECT_THAT(DecodeResumeToken(EncodeResumeToken(forged)),
                  StatusIs(absl::StatusCode::kInvalidArgument, "no token of a subscription"));
    }
    SampleToken forged;
    forged.snapshot_from = time;
    EXPECT_THAT(DecodeSampleToken(EncodeSampleToken(forged)),
                StatusIs(absl::StatusCode::kInvalidArgument, "no token of a subscription"));
  }
}

}  // namespace
}  // namespace alertjoin

#include "correlator-service/subscribe/subscriber_lag.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <string>
#include <vector>

namespace alertjoin {
namespace {

using ::testing::HasSubstr;

class SubscriberLagTest : public ::testing::Test {
 protected:
  static Clock::Steady At(int seconds) { return Clock::Steady(std::chrono::seconds(seconds)); }
  // A look at these subscribers to rows.
  bool Look(int seconds, const std::vector<uint64_t>& delivered, uint64_t newest) {
    lag_.Begin();
    for (const uint64_t at : delivered) lag_.Add({StreamKind::kRows, at, newest});
    return lag_.Publish(At(seconds));
  }
  void Expect(const std::string& changes, const std::string& seconds) {
    const std::string text = prometheus::TextSerializer().Serialize(registry_.Collect());
    EXPECT_THAT(text, HasSubstr("_lag_changes{stream=\"rows\"} " + changes + "\n"));
    EXPECT_THAT(text, HasSubstr("_lag_seconds{stream=\"rows\"} " + seconds + "\n"));
    EXPECT_THAT(text, HasSubstr("_lag_changes{stream=\"alerts\"} 0\n"));
  }

  prometheus::Registry registry_;
  SubscriberLag lag_{registry_};
};

TEST_F(SubscriberLagTest, IsThatOfTheSlowest) {
  EXPECT_TRUE(Look(0, {10, 7, 9}, 10));
  Expect("3", "0");
}

TEST_F(SubscriberLagTest, IsAsOldAsTheOldestChangeThatWasNotTaken) {
  Look(0, {10}, 10);
  Look(5, {10}, 12);
  Look(8, {11}, 15);
  Expect("4", "3");  // Change 12 came with the look at 5 s.
  Look(9, {12}, 15);
  Expect("3", "1");  // Change 13, with that at 8 s.
}

TEST_F(SubscriberLagTest, IsNothingForOneWhoKeepsUpHoweverMuchComes) {
  for (unsigned i = 0; i < 100; ++i) EXPECT_FALSE(Look(static_cast<int>(i), {100 * i}, 100 * i));
  Expect("0", "0");
}

TEST_F(SubscriberLagTest, GoesWithTheSubscribers) {
  Look(0, {1}, 10);
  Look(5, {1}, 10);
  Expect("9", "5");
  EXPECT_FALSE(Look(6, {}, 0));
  Expect("0", "0");
  // Who comes then is not behind since the time of those who were there before.
  Look(60, {1}, 10);
  Expect("9", "0");
}

TEST_F(SubscriberLagTest, ReachesAsFarBackAsItsMarks) {
  const int looks = static_cast<int>(SubscriberLag::kMarksMax) + 100;
  for (int i = 0; i < looks; ++i) Look(i, {0}, static_cast<uint64_t>(i) + 1);
  Expect(std::to_string(looks), std::to_string(SubscriberLag::kMarksMax - 1));
}

}  // namespace
}  // namespace alertjoin

#include "common/metrics/owned_gauge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <string>
#include <utility>

#include "common/metrics/metric_families.h"

namespace alertjoin {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class OwnedGaugeTest : public ::testing::Test {
 protected:
  OwnedGauge Of(const std::string& source) { return OwnedGauge(family_, {{"source", source}}); }
  std::string Exposition() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  prometheus::Registry registry_;
  prometheus::Family<prometheus::Gauge>& family_ = GaugeFamily(registry_, "health", "h");
};

TEST_F(OwnedGaugeTest, GoesWithItsOwner) {
  OwnedGauge kept = Of("kept");
  {
    OwnedGauge gone = Of("gone");
    gone.Set(1);
    EXPECT_THAT(Exposition(), HasSubstr("health{source=\"gone\"} 1\n"));
  }
  EXPECT_THAT(Exposition(), Not(HasSubstr("gone")));
  EXPECT_THAT(Exposition(), HasSubstr("health{source=\"kept\"} 0\n"));
}

TEST_F(OwnedGaugeTest, ASuccessorHasTheGaugeThatItsPredecessorLeaves) {
  OwnedGauge before = Of("s");
  before.Set(1);
  OwnedGauge after = Of("s");
  before = OwnedGauge();
  after.Set(2);
  EXPECT_THAT(Exposition(), HasSubstr("health{source=\"s\"} 2\n"));
  after = OwnedGauge();
  EXPECT_THAT(Exposition(), Not(HasSubstr("source=\"s\"")));
}

TEST_F(OwnedGaugeTest, BeginsAnewWhenItsSourceComesBack) {
  Of("s").Set(5);
  EXPECT_EQ(Of("s").Value(), 0);
}

TEST_F(OwnedGaugeTest, MovesToAnotherOwner) {
  OwnedGauge first = Of("s");
  OwnedGauge second = std::move(first);
  EXPECT_TRUE(second);
  second.Set(3);
  EXPECT_THAT(Exposition(), HasSubstr("health{source=\"s\"} 3\n"));
}

}  // namespace
}  // namespace alertjoin

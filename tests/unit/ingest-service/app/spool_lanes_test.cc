#include "ingest-service/app/spool_lanes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {
namespace {

namespace fs = std::filesystem;

class SpoolLanesTest : public ::testing::Test {
 protected:
  absl::Status TryOpen() {
    lanes_.reset();
    registry_ = std::make_unique<prometheus::Registry>();
    SpoolLanes::Options options;
    options.folder = folder_;
    options.alert_bytes_max = options.sample_bytes_max = 1 << 20;
    options.uplink.address = "127.0.0.1:1";
    options.uplink.producer_id = "ingest-1";
    ASSIGN_OR_RETURN(lanes_, SpoolLanes::Open(options, clock_, *registry_));
    return absl::OkStatus();
  }
  absl::Status AppendAlert() {
    TransitionEvent alert;
    alert.source = "am";
    alert.fingerprint = "f";
    return lanes_->alerts().Append(std::vector<Event>{alert}).status();
  }
  absl::Status AppendProgress() {
    const Query query{"prom", "up", "up", TimeKind::kSample};
    return lanes_->samples().Append(std::vector<Event>{QueryProgress{query, {}, {}}});
  }

  const TemporaryFolder parent_;
  const std::string folder_ = parent_ / "spool";
  ManualClock clock_{Timestamp::FromMillis(1'772'000'000'000)};
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<SpoolLanes> lanes_;
};

TEST_F(SpoolLanesTest, EachLaneHasALogOfItsOwnThatSurvives) {
  ASSERT_THAT(TryOpen(), IsOk());
  ASSERT_THAT(AppendAlert(), IsOk());
  ASSERT_THAT(AppendProgress(), IsOk());
  ASSERT_THAT(AppendProgress(), IsOk());
  const std::string alerts = lanes_->alerts().log_id();
  const std::string samples = lanes_->samples().spool().log_id();
  EXPECT_NE(alerts, samples);
  ASSERT_THAT(TryOpen(), IsOk());
  EXPECT_EQ(lanes_->alerts().log_id(), alerts);
  EXPECT_EQ(lanes_->samples().spool().log_id(), samples);
  EXPECT_EQ(lanes_->alerts().waiting(), 1u);
  EXPECT_EQ(lanes_->samples().spool().waiting(), 2u);
  EXPECT_EQ(lanes_->waiting(), 3u);
  EXPECT_THAT(lanes_->health(), IsOk());
  EXPECT_TRUE(fs::is_directory(folder_ + "/alerts"));
  EXPECT_TRUE(fs::is_directory(folder_ + "/samples"));
}

TEST_F(SpoolLanesTest, FullLaneOfSamplesDropsNoAlert) {
  ASSERT_THAT(TryOpen(), IsOk());
  ASSERT_THAT(AppendAlert(), IsOk());
  while (lanes_->samples().spool().bounds().first == LogPosition(1)) {
    std::vector<Event> many(1000, QueryProgress{{"prom", "up", "up", TimeKind::kSample}, {}, {}});
    ASSERT_THAT(lanes_->samples().Append(many), IsOk());
  }
  EXPECT_EQ(lanes_->alerts().waiting(), 1u);
  EXPECT_THAT(AppendAlert(), IsOk());
}

TEST_F(SpoolLanesTest, FullLaneOfAlertsRefusesThemAndTakesSamples) {
  ASSERT_THAT(TryOpen(), IsOk());
  TransitionEvent alert;
  alert.source = "am";
  alert.fingerprint = "f";
  alert.generator_url = std::string(100'000, 'x');
  absl::Status status;
  int kept = -1;
  for (; status.ok(); ++kept) status = lanes_->alerts().Append(std::vector<Event>{alert}).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, "spool: full"));
  EXPECT_EQ(lanes_->alerts().waiting(), static_cast<uint64_t>(kept));
  EXPECT_THAT(AppendProgress(), IsOk());
}

TEST_F(SpoolLanesTest, MetricsOfTheLanesAreToldApart) {
  ASSERT_THAT(TryOpen(), IsOk());
  for (const auto& family : registry_->Collect()) {
    const bool of_stages = family.name.starts_with("alertjoin_stage_");
    std::set<std::string> lanes;
    for (const auto& metric : family.metric) {
      for (const auto& label : metric.label) {
        if (label.name != (of_stages ? "stage" : "lane")) continue;
        EXPECT_TRUE(lanes.insert(label.value).second) << family.name;
      }
    }
    if (of_stages) {
      EXPECT_THAT(lanes, ::testing::ElementsAre("spool_alerts", "spool_samples", "uplink_alerts",
                                                "uplink_samples"))
          << family.name;
    } else if (family.name.starts_with("alertjoin_spool_dropped")) {
      EXPECT_THAT(lanes, ::testing::ElementsAre("samples")) << family.name;
    } else if (family.name.starts_with("alertjoin_uplink_certificate")) {
      EXPECT_THAT(lanes, ::testing::IsEmpty());  // They show the same.
      EXPECT_EQ(family.metric.size(), 1u);
    } else if (family.name != "alertjoin_uplink_errors_total") {
      EXPECT_THAT(lanes, ::testing::ElementsAre("alerts", "samples")) << family.name;
    }
  }
}

TEST_F(SpoolLanesTest, SpoolOfAnEarlierVersionIsRefusedWithWhatToDo) {
  RocksdbEventLog::Options options;
  options.folder = folder_;
  options.bytes_max = 1 << 20;
  ASSERT_THAT(RocksdbEventLog::Open(options), IsOk());
  const absl::Status status = TryOpen();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "run the earlier version"));
  EXPECT_EQ(DetailOf(status)->reason, "SPOOL_LAYOUT_OLD");
  EXPECT_FALSE(fs::exists(folder_ + "/alerts"));
}

TEST_F(SpoolLanesTest, FolderInAFolderThatIsNotThereIsMadeWithIt) {
  fs::remove(parent_.path());
  EXPECT_THAT(TryOpen(), IsOk());
  EXPECT_TRUE(fs::exists(folder_ + "/alerts/CURRENT"));
}

TEST_F(SpoolLanesTest, FolderInAFileIsAnError) {
  fs::remove(parent_.path());
  std::ofstream(parent_.path()) << "a file";
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kUnavailable, "spool: " + folder_));
}

}  // namespace
}  // namespace alertjoin

// A sync that fails: the service says so wherever it is asked, acknowledges nothing any more and
// asks the process to stop; the next start has what was acknowledged before.

#include <gmock/gmock.h>

#include <future>

#include "tests/integration/disk/failing_disk_fixture.h"

namespace alertjoin {
namespace {

using ::testing::HasSubstr;

using FailedSyncTest = FailingDiskFixture;
using Names = std::vector<std::string>;

TEST_F(FailedSyncTest, OfTheCorrelatorsLogIsToldByHealthAndReadiness) {
  StartCorrelator();
  const std::string address = correlator_config().grpc_listen_address;
  const char* const services[] = {"", "alertjoin.v1.IngestService",
                                  "alertjoin.v1.CorrelatorService"};
  for (const char* service : services) EXPECT_EQ(HealthOf(service), "SERVING") << service;
  EXPECT_EQ(Get(correlator_->http_port(), "/-/ready").status, 200);
  auto producer = std::make_unique<TestProducer>(address, "p");
  ASSERT_TRUE(producer->Push("kept"));
  ASSERT_TRUE(WaitForRows({"kept"}));
  auto other = std::make_unique<TestProducer>(address, "q");

  FailNextSync(*correlator_disk_, "/data/log");
  auto pushed = std::async(std::launch::async, [&] { return producer->Push("lost"); });
  ASSERT_TRUE(WaitForStopRequest());
  // The process has yet to follow: whoever asks by then is told.
  for (const char* service : services) EXPECT_EQ(HealthOf(service), "NOT_SERVING") << service;
  const RawHttpResponse ready = Get(correlator_->http_port(), "/-/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("input/output error"));
  EXPECT_FALSE(correlator_->health().ok());
  // Nor is what comes now acknowledged.
  auto later = std::async(std::launch::async, [&] { return other->Push("lost, too"); });
  StopCorrelator();
  EXPECT_FALSE(pushed.get());
  EXPECT_FALSE(later.get());

  producer.reset();
  other.reset();
  correlator_disk_->CutPower();
  correlator_disk_->RestorePower();
  StartCorrelator();
  EXPECT_EQ(AlertsWithRows(), Names({"kept"}));
  for (const char* service : services) EXPECT_EQ(HealthOf(service), "SERVING") << service;
}

TEST_F(FailedSyncTest, OfTheRowsIsToldByHealthAndReadiness) {
  StartCorrelator();
  auto producer = std::make_unique<TestProducer>(correlator_config().grpc_listen_address, "p");
  ASSERT_TRUE(producer->Push("kept"));
  ASSERT_TRUE(WaitForRows({"kept"}));
  correlator_disk_->SetHook([](const FileOperation& operation) {
    return operation.IsWal() && operation.path.find("/data/rows") != std::string::npos
               ? rocksdb::IOStatus::IOError("input/output error")
               : rocksdb::IOStatus::OK();
  });
  // The log has it: it may be acknowledged, and then it is there after the restart.
  const bool acknowledged = producer->Push("second");
  ASSERT_TRUE(WaitForStopRequest());
  EXPECT_EQ(HealthOf(""), "NOT_SERVING");
  EXPECT_EQ(HealthOf("alertjoin.v1.IngestService"), "NOT_SERVING");
  EXPECT_EQ(HealthOf("alertjoin.v1.CorrelatorService"), "NOT_SERVING");
  EXPECT_EQ(Get(correlator_->http_port(), "/-/ready").status, 503);
  StopCorrelator();
  producer.reset();
  correlator_disk_->CutPower();
  correlator_disk_->RestorePower();
  StartCorrelator();
  EXPECT_EQ(AlertsWithRows(), acknowledged ? Names({"kept", "second"}) : Names({"kept"}));
}

TEST_F(FailedSyncTest, OfTheSpoolIsAnswered503AndLosesNothingAcknowledged) {
  StartIngest();
  EXPECT_EQ(Get(ingest_->http_port(), "/-/ready").status, 200);
  ASSERT_EQ(PostAlert("kept").status, 200);
  FailNextSync(*ingest_disk_, "/spool/alerts");
  const RawHttpResponse refused = PostAlert("lost");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("input/output error"));
  ASSERT_TRUE(WaitForStopRequest());
  // The disk is well again, the log is not: only a restart can tell what was kept.
  EXPECT_EQ(PostAlert("lost, too").status, 503);
  const RawHttpResponse ready = Get(ingest_->http_port(), "/-/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("input/output error"));
  EXPECT_FALSE(ingest_->health().ok());

  StopIngest();
  ingest_disk_->CutPower();
  ingest_disk_->RestorePower();
  StartCorrelator();
  StartIngest();
  EXPECT_EQ(Get(ingest_->http_port(), "/-/ready").status, 200);
  ASSERT_EQ(PostAlert("new").status, 200);
  EXPECT_TRUE(WaitForRows({"kept", "new"}));
}

}  // namespace
}  // namespace alertjoin

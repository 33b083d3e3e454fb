#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "alertjoin/v1/ingest_service.grpc.pb.h"
#include "common/event/event_encoder.h"
#include "correlator-service/app/correlator_app.h"
#include "ingest-service/app/ingest_app.h"
#include "tests/support/fault_disk.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {

// Both services as their programs run them, in this process. Each has a disk of its own. Their
// wish to stop (RequestStop) does not end the process.
class FailingDiskFixture : public ::testing::Test {
 protected:
  FailingDiskFixture();
  ~FailingDiskFixture() override;

  // On the ports of the last time; again: what ran is stopped first.
  void StartCorrelator();
  void StartIngest();
  void StopIngest() { ingest_.reset(); }
  void StopCorrelator() { correlator_.reset(); }
  // For who starts it by itself.
  const CorrelatorConfig& correlator_config() const { return correlator_config_; }

  // The next sync of a write-ahead log under the folder fails, and none before it.
  static void FailNextSync(FaultDisk& disk, const std::string& folder);
  // Waits until one of the services has asked the process to stop. False after half a minute.
  static bool WaitForStopRequest();
  static RawHttpResponse Get(int port, const std::string& path);
  // What gRPC health says of the name: "SERVING", "NOT_SERVING".
  std::string HealthOf(const std::string& service) const;
  // The answer to a notification of one alert of this name.
  RawHttpResponse PostAlert(const std::string& name) const;
  // Names of the alerts that have rows, sorted.
  std::vector<std::string> AlertsWithRows() const;
  // Waits for these. False after half a minute.
  bool WaitForRows(const std::vector<std::string>& names) const;

  const std::shared_ptr<FaultDisk> correlator_disk_ = std::make_shared<FaultDisk>();
  const std::shared_ptr<FaultDisk> ingest_disk_ = std::make_shared<FaultDisk>();
  std::unique_ptr<CorrelatorApp> correlator_;
  std::unique_ptr<IngestApp> ingest_;

 private:
  const TemporaryFolder folder_;
  CorrelatorConfig correlator_config_;
  IngestConfig ingest_config_;
};

// A producer on one stream of the correlator.
class TestProducer {
 public:
  TestProducer(const std::string& address, const std::string& id);
  ~TestProducer();

  // Sends an alert of this name. True when it is acknowledged, false when the stream ends before.
  bool Push(const std::string& name);

 private:
  const std::unique_ptr<v1::IngestService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PushEventsRequest, v1::PushEventsResponse>> stream_;
  EventEncoder encoder_;
  uint64_t next_ = 1;
};

}  // namespace alertjoin

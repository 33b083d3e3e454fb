#pragma once

#include <grpcpp/client_context.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alertjoin/v1/correlator_service.grpc.pb.h"
#include "common/eventlog/memory_event_log.h"
#include "common/net/grpc_server.h"
#include "common/net/grpc_status.h"
#include "correlator-service/pipeline/round_log.h"
#include "correlator-service/pipeline/sample_reader.h"
#include "correlator-service/query/correlator_service.h"
#include "correlator-service/rows/memory_row_store.h"
#include "correlator-service/subscribe/subscription_hub.h"
#include "tests/support/engine_tables.h"
#include "tests/support/joined_rows.h"
#include "tests/support/store_decorator.h"

namespace alertjoin {

// Rows as readers get them over gRPC, in the words of Describe().
std::string Describe(const v1::JoinedRow& row);

// The token at which the end of a subscription says to go on; "" without one.
std::string TokenOf(const absl::Status& end);

// One subscription of a client that reads when told to.
template <typename Request, typename Response>
class ClientOf {
 public:
  ClientOf(v1::CorrelatorService::Stub& stub, const Request& request);
  // Cancels, and reads to the end.
  ~ClientOf();

  // The next message; nothing at the end of the stream.
  std::optional<Response> Read();
  // Reads to the end. May be called once.
  absl::Status Finish();
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<Response>> reader_;
  bool finished_ = false;
};
using SubscribedClient = ClientOf<v1::SubscribeJoinedRowsRequest, v1::SubscribeJoinedRowsResponse>;
using AlertsClient = ClientOf<v1::SubscribeAlertsRequest, v1::SubscribeAlertsResponse>;
using SamplesClient = ClientOf<v1::SubscribeSamplesRequest, v1::SubscribeSamplesResponse>;

// A store whose readings of rows and alerts a test can hold up.
class HeldUpStore final : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;
  RowPage ReadRows(const RowRange& range, size_t rows_max) const override;
  AlertPage ReadAlerts(const RowRange& range, size_t alerts_max) const override;

  std::function<void()> before_read;  // Empty: nothing holds them up.
};

// The correlator's reading side over gRPC, on a free port of the loopback.
class ReadTest : public testing::Test {
 protected:
  struct Options {
    MemoryRowStoreOptions store;
    SubscriptionHubOptions hub;
    SubscriptionOptions subscription;
  };
  void Start(Options options);
  ~ReadTest() override;

  v1::CorrelatorService::Stub& stub() { return *stub_; }
  // A stub with a connection of its own.
  std::unique_ptr<v1::CorrelatorService::Stub> OtherStub();
  // All pages, and the sequence of the last one.
  DescribedRows ListAll(v1::ListJoinedRowsRequest request, uint64_t* sequence = nullptr);
  absl::Status ListError(const v1::ListJoinedRowsRequest& request);
  absl::Status SubscribeError(const v1::SubscribeJoinedRowsRequest& request);
  std::string Metrics();
  // How long the server takes to shut down by itself, up to a limit.
  std::chrono::steady_clock::duration ShutDown(std::chrono::seconds limit);

  prometheus::Registry registry_;
  std::unique_ptr<MemoryRowStore> store_;
  std::unique_ptr<HeldUpStore> read_store_;  // `store_` as it is read.
  std::unique_ptr<SubscriptionHub> hub_;
  Engine engine_{EngineLimits{}};
  EngineTables tables_{engine_};
  MemoryEventLog log_{64 << 20};
  RoundLog rounds_{log_, {}};
  SampleReaders samples_{rounds_};
  std::unique_ptr<CorrelatorServiceImpl> service_;
  RunningGrpcServer server_;
  std::unique_ptr<v1::CorrelatorService::Stub> stub_;
};

}  // namespace alertjoin

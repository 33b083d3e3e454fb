#include "tests/integration/disk/failing_disk_fixture.h"

#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "alertjoin/v1/correlator_service.grpc.pb.h"
#include "common/net/grpc_server.h"
#include "common/time/clock.h"
#include "grpc/health/v1/health.pb.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr std::chrono::seconds kPatience{30};

sigset_t StopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  return signals;
}

// Before main, so that every thread has it blocked.
const bool kStopIsBlocked = [] {
  const sigset_t signals = StopSignal();
  return pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0;
}();

std::string OnPort(int port) { return fmt::format("127.0.0.1:{}", port); }

}  // namespace

FailingDiskFixture::FailingDiskFixture() {
  EXPECT_TRUE(kStopIsBlocked);
  correlator_config_.grpc_listen_address = correlator_config_.http_listen_address = OnPort(0);
  correlator_config_.data_path = folder_ / "data";
  ingest_config_.http_listen_address = OnPort(0);
  ingest_config_.producer_id = "ingest-1";
  ingest_config_.spool_path = folder_ / "spool";
  ingest_config_.correlator_address = OnPort(1);  // Nobody is there.
}

FailingDiskFixture::~FailingDiskFixture() {
  ingest_.reset();
  correlator_.reset();
  // What is still pending concerns no other test.
  const sigset_t signals = StopSignal();
  const timespec none{};
  while (sigtimedwait(&signals, nullptr, &none) > 0) {
  }
}

void FailingDiskFixture::StartCorrelator() {
  correlator_.reset();
  auto app = CorrelatorApp::Start(correlator_config_, nullptr, EnvOver(correlator_disk_));
  ASSERT_THAT(app, IsOk());
  correlator_ = *std::move(app);
  correlator_config_.grpc_listen_address = OnPort(correlator_->grpc_port());
  correlator_config_.http_listen_address = OnPort(correlator_->http_port());
  ingest_config_.correlator_address = correlator_config_.grpc_listen_address;
}

void FailingDiskFixture::StartIngest() {
  ingest_.reset();
  auto app = IngestApp::Start(ingest_config_, nullptr, EnvOver(ingest_disk_));
  ASSERT_THAT(app, IsOk());
  ingest_ = *std::move(app);
  ingest_config_.http_listen_address = OnPort(ingest_->http_port());
}

void FailingDiskFixture::FailNextSync(FaultDisk& disk, const std::string& folder) {
  const auto failed = std::make_shared<std::atomic<bool>>(false);
  disk.SetHook([failed, folder](const FileOperation& operation) {
    const bool meant =
        operation.IsWal() && operation.IsSync() && operation.path.find(folder) != std::string::npos;
    if (!meant || failed->exchange(true)) return rocksdb::IOStatus::OK();
    return rocksdb::IOStatus::IOError("input/output error");
  });
}

bool FailingDiskFixture::WaitForStopRequest() {
  const sigset_t signals = StopSignal();
  const timespec patience{kPatience.count(), 0};
  return sigtimedwait(&signals, nullptr, &patience) == SIGTERM;
}

RawHttpResponse FailingDiskFixture::Get(int port, const std::string& path) {
  RawHttpClient client(port);
  return client.Ask(GetRequest(path)).value_or(RawHttpResponse());
}

std::string FailingDiskFixture::HealthOf(const std::string& service) const {
  using grpc::health::v1::HealthCheckRequest;
  using grpc::health::v1::HealthCheckResponse;
  grpc::TemplatedGenericStub<HealthCheckRequest, HealthCheckResponse> stub(
      MakeChannel(correlator_config_.grpc_listen_address));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  std::promise<grpc::Status> answered;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&answered](grpc::Status status) { answered.set_value(std::move(status)); });
  const grpc::Status status = answered.get_future().get();
  return status.ok() ? HealthCheckResponse::ServingStatus_Name(response.status())
                     : status.error_message();
}

RawHttpResponse FailingDiskFixture::PostAlert(const std::string& name) const {
  RawHttpClient client(ingest_->http_port());
  const std::string body = fmt::format(
      R"({{"version":"4","status":"firing","receiver":"r","groupKey":"{{}}","groupLabels":{{}},)"
      R"("commonLabels":{{}},"commonAnnotations":{{}},"externalURL":"","truncatedAlerts":0,)"
      R"("alerts":[{{"status":"firing","labels":{{"alertname":"{}"}},"annotations":{{}},)"
      R"("startsAt":"2026-03-01T10:00:12Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":""}}]}})",
      name);
  return client.Ask(PostRequest("/webhook", body)).value_or(RawHttpResponse());
}

std::vector<std::string> FailingDiskFixture::AlertsWithRows() const {
  const auto stub =
      v1::CorrelatorService::NewStub(MakeChannel(correlator_config_.grpc_listen_address));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  v1::ListJoinedRowsResponse response;
  const grpc::Status status = stub->ListJoinedRows(&context, {}, &response);
  std::vector<std::string> names;
  if (!status.ok()) return {status.error_message()};
  for (const auto& row : response.rows()) names.push_back(row.transition().alert_name());
  std::sort(names.begin(), names.end());
  return names;
}

bool FailingDiskFixture::WaitForRows(const std::vector<std::string>& names) const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (AlertsWithRows() != names) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TestProducer::TestProducer(const std::string& address, const std::string& id)
    : stub_(v1::IngestService::NewStub(MakeChannel(address))) {
  context_.set_deadline(std::chrono::system_clock::now() + 2 * kPatience);
  stream_ = stub_->PushEvents(&context_);
  v1::PushEventsRequest hello;
  hello.mutable_hello()->set_producer_id(id);
  hello.mutable_hello()->set_log_id(id);
  hello.mutable_hello()->set_epoch(1);
  hello.mutable_hello()->set_first_sequence(1);
  hello.mutable_hello()->set_next_sequence(1);
  v1::PushEventsResponse welcome;
  EXPECT_TRUE(stream_->Write(hello) && stream_->Read(&welcome) && welcome.has_welcome());
}

TestProducer::~TestProducer() {
  context_.TryCancel();
  (void)stream_->Finish();
}

bool TestProducer::Push(const std::string& name) {
  TransitionEvent alert;
  alert.source = "am";
  alert.fingerprint = name;
  alert.labels = LabelSet{{"alertname", name}};
  alert.state = AlertState::kFiring;
  alert.starts_at = alert.received_time = SystemClock().Now();
  v1::PushEventsRequest request;
  request.mutable_batch()->set_base_sequence(next_);
  encoder_.Encode(Event(alert), request.mutable_batch()->add_events());
  if (!stream_->Write(request)) return false;
  v1::PushEventsResponse response;
  while (stream_->Read(&response)) {
    if (response.ack().durable_sequence() >= next_) return ++next_, true;
  }
  return false;
}

}  // namespace alertjoin

#include "tests/integration/read/read_fixture.h"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <type_traits>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr std::chrono::seconds kDeadline{60};

}  // namespace

std::string Describe(const v1::JoinedRow& row) {
  std::vector<LabelSet::Label> labels;
  for (const auto& [name, value] : row.transition().labels()) labels.emplace_back(name, value);
  const auto& time = row.transition().event_time();
  return fmt::format("revision={} final={} state={} time={} value={} labels={}", row.revision(),
                     row.final(), static_cast<int>(row.transition().state()),
                     time.seconds() * 1000 + time.nanos() / 1'000'000, row.match().value(),
                     ToString(LabelSet(std::move(labels))));
}

std::string TokenOf(const absl::Status& end) {
  if (const auto detail = DetailOf(end)) {
    for (const auto& [key, value] : detail->metadata) {
      if (key == "resume_token") return value;
    }
  }
  return "";
}

template <typename Request, typename Response>
ClientOf<Request, Response>::ClientOf(v1::CorrelatorService::Stub& stub, const Request& request) {
  // A test that waits for ever fails instead.
  context_.set_deadline(std::chrono::system_clock::now() + kDeadline);
  if constexpr (std::is_same_v<Request, v1::SubscribeAlertsRequest>) {
    reader_ = stub.SubscribeAlerts(&context_, request);
  } else if constexpr (std::is_same_v<Request, v1::SubscribeSamplesRequest>) {
    reader_ = stub.SubscribeSamples(&context_, request);
  } else {
    reader_ = stub.SubscribeJoinedRows(&context_, request);
  }
}

template <typename Request, typename Response>
ClientOf<Request, Response>::~ClientOf() {
  Cancel();
  if (!finished_) (void)Finish();
}

template <typename Request, typename Response>
std::optional<Response> ClientOf<Request, Response>::Read() {
  Response message;
  if (!reader_->Read(&message)) return std::nullopt;
  EXPECT_NE(message.resume_token(), "");
  return message;
}

template <typename Request, typename Response>
absl::Status ClientOf<Request, Response>::Finish() {
  while (Read().has_value()) {
  }
  finished_ = true;
  return FromGrpcStatus(reader_->Finish());
}

template class ClientOf<v1::SubscribeJoinedRowsRequest, v1::SubscribeJoinedRowsResponse>;
template class ClientOf<v1::SubscribeAlertsRequest, v1::SubscribeAlertsResponse>;
template class ClientOf<v1::SubscribeSamplesRequest, v1::SubscribeSamplesResponse>;

RowPage HeldUpStore::ReadRows(const RowRange& range, size_t rows_max) const {
  if (before_read) before_read();
  return store_.ReadRows(range, rows_max);
}

AlertPage HeldUpStore::ReadAlerts(const RowRange& range, size_t alerts_max) const {
  if (before_read) before_read();
  return store_.ReadAlerts(range, alerts_max);
}

void ReadTest::Start(Options options) {
  store_ = std::make_unique<MemoryRowStore>(registry_, options.store);
  read_store_ = std::make_unique<HeldUpStore>(*store_);
  hub_ = std::make_unique<SubscriptionHub>(*read_store_, SystemClock(), registry_, options.hub);
  rounds_.RaiseOnAppend(hub_->signal());
  service_ = std::make_unique<CorrelatorServiceImpl>(*read_store_, tables_, samples_, *hub_,
                                                     SystemClock(), options.subscription);
  GrpcServerOptions server;
  server.services = {service_.get()};
  server.registry = &registry_;
  auto running = StartGrpcServer(server);
  ASSERT_THAT(running, IsOk());
  server_ = *std::move(running);
  stub_ = OtherStub();
}

ReadTest::~ReadTest() {
  if (hub_ != nullptr) hub_->Stop();
  if (server_.server != nullptr) ShutDown(std::chrono::seconds(10));
}

std::unique_ptr<v1::CorrelatorService::Stub> ReadTest::OtherStub() {
  return v1::CorrelatorService::NewStub(MakeChannel(fmt::format("127.0.0.1:{}", server_.port)));
}

DescribedRows ReadTest::ListAll(v1::ListJoinedRowsRequest request, uint64_t* sequence) {
  DescribedRows rows;
  do {
    grpc::ClientContext context;
    v1::ListJoinedRowsResponse page;
    const grpc::Status status = stub().ListJoinedRows(&context, request, &page);
    EXPECT_THAT(FromGrpcStatus(status), IsOk());
    for (const v1::JoinedRow& row : page.rows()) {
      RowId id;
      for (size_t i = 0; i < id.bytes.size(); ++i) {
        id.bytes[i] = static_cast<uint8_t>(std::stoi(row.row_id().substr(2 * i, 2), nullptr, 16));
      }
      EXPECT_TRUE(rows.emplace(id, Describe(row)).second) << "listed twice";
    }
    if (sequence != nullptr) *sequence = page.sequence();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return rows;
}

absl::Status ReadTest::ListError(const v1::ListJoinedRowsRequest& request) {
  grpc::ClientContext context;
  v1::ListJoinedRowsResponse page;
  return FromGrpcStatus(stub().ListJoinedRows(&context, request, &page));
}

absl::Status ReadTest::SubscribeError(const v1::SubscribeJoinedRowsRequest& request) {
  return SubscribedClient(stub(), request).Finish();
}

std::string ReadTest::Metrics() {
  return prometheus::TextSerializer().Serialize(registry_.Collect());
}

std::chrono::steady_clock::duration ReadTest::ShutDown(std::chrono::seconds limit) {
  const auto start = std::chrono::steady_clock::now();
  server_.server->Shutdown(std::chrono::system_clock::now() + limit);
  server_.server.reset();
  return std::chrono::steady_clock::now() - start;
}

}  // namespace alertjoin

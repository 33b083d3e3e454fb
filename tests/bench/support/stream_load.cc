#include "tests/bench/support/stream_load.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <atomic>

#include "alertjoin/v1/correlator_service.pb.h"
#include "common/net/grpc_server.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr char kMethod[] = "/alertjoin.v1.CorrelatorService/SubscribeJoinedRows";
constexpr uint32_t kRowBatchTag =
    v1::SubscribeJoinedRowsResponse::kRowsFieldNumber << 3 | 2;  // A length follows.

// The rows in a serialised SubscribeJoinedRowsResponse.
size_t CountRows(grpc::ByteBuffer& message) {
  grpc::ProtoBufferReader reader(&message);
  google::protobuf::io::CodedInputStream in(&reader);
  size_t rows = 0;
  uint32_t length = 0;
  while (const uint32_t tag = in.ReadTag()) {
    // What is no batch of rows has a length, too, and is left out as a whole.
    CHECK(in.ReadVarint32(&length));
    if (tag != kRowBatchTag) {
      CHECK(in.Skip(static_cast<int>(length)));
      continue;
    }
    const int end = in.CurrentPosition() + static_cast<int>(length);
    for (; in.CurrentPosition() < end; ++rows) {
      in.ReadTag();
      CHECK(in.ReadVarint32(&length) && in.Skip(static_cast<int>(length)));
    }
  }
  return rows;
}

grpc::ByteBuffer RequestOf(const std::string& filter) {
  v1::SubscribeJoinedRowsRequest request;
  request.set_filter(filter);
  request.set_start(v1::SUBSCRIPTION_START_LIVE);
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

class SubscriberLoad::Call final
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Call(SubscriberLoad& load, const std::shared_ptr<grpc::Channel>& channel,
       const Expected& expected)
      : load_(load),
        stub_(channel),
        expected_(expected.rows),
        request_(RequestOf(expected.filter)) {
    stub_.PrepareBidiStreamingCall(&context_, kMethod, grpc::StubOptions(), this);
    StartWriteLast(&request_, grpc::WriteOptions());
    StartRead(&message_);
    StartCall();
  }
  void Cancel() {
    cancelled_ = true;
    context_.TryCancel();
  }
  uint64_t bytes() const { return bytes_; }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (bytes_ == 0) load_.started_.count_down();
    bytes_ += message_.Length();
    const size_t rows = CountRows(message_);
    received_ += rows;
    CHECK(received_ <= expected_);
    if (rows > 0 && received_ == expected_) load_.rows_.count_down();
    StartRead(&message_);
  }
  void OnDone(const grpc::Status& status) override {
    if (!cancelled_) fmt::print(stderr, "a call ended: {}\n", status.error_message());
    CHECK(cancelled_);
    load_.done_.count_down();
  }

 private:
  SubscriberLoad& load_;
  grpc::GenericStub stub_;
  const size_t expected_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer message_;
  size_t received_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<bool> cancelled_ = false;
};

SubscriberLoad::SubscriberLoad(int port, const std::vector<Expected>& expected,
                               size_t calls_per_connection)
    : started_(static_cast<std::ptrdiff_t>(expected.size())),
      rows_(static_cast<std::ptrdiff_t>(expected.size())),
      done_(static_cast<std::ptrdiff_t>(expected.size())) {
  std::shared_ptr<grpc::Channel> channel;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (i % calls_per_connection == 0) channel = MakeChannel(fmt::format("127.0.0.1:{}", port));
    calls_.push_back(std::make_unique<Call>(*this, channel, expected[i]));
  }
  started_.wait();
}

SubscriberLoad::~SubscriberLoad() {
  for (const auto& call : calls_) call->Cancel();
  done_.wait();
}

uint64_t SubscriberLoad::bytes() const {
  uint64_t bytes = 0;
  for (const auto& call : calls_) bytes += call->bytes();
  return bytes;
}

class RecordedServer::Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(Recording recording) : recording_(std::move(recording)) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Call(*this);
  }
  void Go() EXCLUDES_LOCK(mutex_) {
    std::vector<Call*> calls;
    {
      MutexLock lock(mutex_);
      going_ = true;
      calls.swap(waiting_);
    }
    for (Call* call : calls) call->WriteNext();
  }

 private:
  class Call final : public grpc::ServerGenericBidiReactor {
   public:
    explicit Call(Service& service) : service_(service) { StartRead(&request_); }

    // Writes until all are written; then the call stays open until the client cancels it.
    void WriteNext() {
      const size_t next = next_++;
      if (next >= messages_->size()) return;
      StartWrite(&(*messages_)[next]);
    }
    void OnReadDone(bool ok) override {
      CHECK(ok);
      grpc::Slice slice;
      CHECK(request_.DumpToSingleSlice(&slice).ok());
      v1::SubscribeJoinedRowsRequest request;
      CHECK(request.ParseFromArray(slice.begin(), static_cast<int>(slice.size())));
      messages_ = &service_.recording_.at(request.filter());
      WriteNext();
    }
    void OnWriteDone(bool ok) override {
      if (!ok) return;
      if (next_ > 1 || service_.Going(this)) WriteNext();
    }
    void OnCancel() override { Finish(grpc::Status::CANCELLED); }
    void OnDone() override { delete this; }

   private:
    Service& service_;
    grpc::ByteBuffer request_;
    std::vector<grpc::ByteBuffer>* messages_ = nullptr;
    std::atomic<size_t> next_ = 0;
  };

  // Whether it was told to go; if not, the call waits for that.
  bool Going(Call* call) EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    if (!going_) waiting_.push_back(call);
    return going_;
  }

  Recording recording_;
  Mutex mutex_;
  bool going_ GUARDED_BY(mutex_) = false;
  std::vector<Call*> waiting_ GUARDED_BY(mutex_);  // For Go.
};

RecordedServer::RecordedServer(Recording recording)
    : service_(std::make_unique<Service>(std::move(recording))) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterCallbackGenericService(service_.get());
  server_ = builder.BuildAndStart();
  CHECK(server_ != nullptr && port_ > 0);
}

RecordedServer::~RecordedServer() {
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
}

void RecordedServer::Go() { service_->Go(); }

}  // namespace alertjoin

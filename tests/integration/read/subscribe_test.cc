#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <future>
#include <thread>

#include "common/status/status.h"
#include "tests/integration/read/read_fixture.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using SubscribeTest = ReadTest;
using Response = v1::SubscribeJoinedRowsResponse;

std::string ReasonOf(const absl::Status& status) {
  const auto detail = DetailOf(status);
  return detail.has_value() ? detail->reason : "";
}

// What a client knows, from the messages as they came over the wire.
class Folded {
 public:
  void Apply(const Response& message) {
    for (const v1::JoinedRow& row : message.rows().rows()) {
      if (row.operation() == v1::OPERATION_DELETE) {
        rows_.erase(row.row_id());
      } else {
        rows_[row.row_id()] = Describe(row);
      }
      if (complete_) sequence_ = row.sequence();
    }
    if (message.has_snapshot_complete()) {
      EXPECT_FALSE(complete_) << "two snapshots";
      complete_ = true;
      sequence_ = message.snapshot_complete().sequence();
    }
    if (message.has_progress()) sequence_ = message.progress().sequence();
  }
  const std::map<std::string, std::string>& rows() const { return rows_; }
  bool complete() const { return complete_; }
  uint64_t sequence() const { return sequence_; }

 private:
  std::map<std::string, std::string> rows_;
  bool complete_ = false;
  uint64_t sequence_ = 0;
};

std::map<std::string, std::string> ByHexId(const DescribedRows& rows) {
  std::map<std::string, std::string> by_hex;
  for (const auto& [id, description] : rows) by_hex[ToHex(id)] = description;
  return by_hex;
}

v1::SubscribeJoinedRowsRequest OfLongAgo() {
  v1::SubscribeJoinedRowsRequest request;
  request.mutable_snapshot_window()->set_seconds(3650 * 86400);
  request.mutable_progress_interval()->set_nanos(100'000'000);
  return request;
}

JoinedRow Row(int id) {
  RowSpec spec;
  spec.id = id;
  spec.event_time = SystemClock().Now();
  return MakeRow(spec);
}

TEST_F(SubscribeTest, LiveEmptyTableCompletesItsSnapshotAtOnce) {
  Start({});
  SubscribedClient client(stub(), {});
  const auto started = client.Read();
  ASSERT_TRUE(started.has_value());
  EXPECT_EQ(started->started().store_id(), store_->store_id());
  const auto complete = client.Read();
  ASSERT_TRUE(complete.has_value());
  EXPECT_TRUE(complete->has_snapshot_complete());
  store_->Commit({.changes = {Row(1)}}).value();
  const auto rows = client.Read();
  ASSERT_TRUE(rows.has_value());
  EXPECT_EQ(rows->rows().rows_size(), 1);
}

TEST_F(SubscribeTest, ProgressComesWithoutNews) {
  Start({});
  auto board = std::make_shared<ProgressBoard>(1);
  board->front().query = Query{"prom", "q", "q", TimeKind::kSample};
  store_->PublishProgress(board);
  SubscribedClient client(stub(), OfLongAgo());
  client.Read();
  client.Read();
  const auto progress = client.Read();
  ASSERT_TRUE(progress.has_value());
  EXPECT_TRUE(progress->has_progress());
  ASSERT_EQ(progress->progress().queries_size(), 1);
  EXPECT_EQ(progress->progress().queries(0).query().name(), "q");
}

// A writer at full speed; clients with different filters, one of which is cut off again and again
// and goes on with its token. At every message boundary each has the table of that sequence, and in
// the end what the list gives.
TEST_F(SubscribeTest, ConvergentAndResumableWhileAWriterWrites) {
  Start({});
  constexpr int kCommits = 400;
  RandomRowWriter writer(*store_, TestSeed());
  for (int i = 0; i < 20; ++i) writer.Commit();
  std::vector<v1::SubscribeJoinedRowsRequest> requests(4, OfLongAgo());
  requests[1].set_filter("severity=critical");
  requests[2].set_final_only(true);
  requests[3].set_filter("severity=critical");
  requests[3].set_final_only(true);
  std::vector<RowFilter> filters(4);
  filters[1].matchers = filters[3].matchers = *ParseMatchers("severity=critical");
  filters[2].final_only = filters[3].final_only = true;

  std::atomic<uint64_t> last_sequence{UINT64_MAX};
  // The table after each message, by the sequence that the client took it for.
  std::vector<std::vector<std::pair<uint64_t, std::map<std::string, std::string>>>> tables(4);
  const auto follow = [&](size_t which, bool cut_off) {
    const auto other_stub = OtherStub();
    v1::SubscribeJoinedRowsRequest request = requests[which];
    auto client = std::make_unique<SubscribedClient>(*other_stub, request);
    Folded folded;
    for (int messages = 1;; ++messages) {
      const auto message = client->Read();
      ASSERT_TRUE(message.has_value()) << "the stream ended";
      folded.Apply(*message);
      if (folded.complete()) tables[which].emplace_back(folded.sequence(), folded.rows());
      if (folded.complete() && folded.sequence() >= last_sequence) return;
      if (cut_off && messages % 3 == 0) {
        request.set_resume_token(message->resume_token());
        client = std::make_unique<SubscribedClient>(*other_stub, request);
      }
    }
  };
  std::vector<std::thread> followers;
  for (size_t i = 0; i < 4; ++i) followers.emplace_back(follow, i, i % 2 == 0);
  for (int i = 0; i < kCommits; ++i) writer.Commit();
  last_sequence = store_->newest().value();
  for (std::thread& follower : followers) follower.join();

  for (size_t i = 0; i < 4; ++i) {
    for (const auto& [sequence, table] : tables[i]) {
      ASSERT_EQ(table, ByHexId(writer.TableAt(Sequence(sequence), filters[i]))) << sequence;
    }
    v1::ListJoinedRowsRequest list;
    list.set_page_size(7);
    list.set_filter(requests[i].filter());
    list.set_final_only(requests[i].final_only());
    uint64_t sequence = 0;
    const auto listed = ByHexId(ListAll(list, &sequence));
    EXPECT_EQ(sequence, last_sequence);
    EXPECT_EQ(tables[i].back().second, listed);
  }
}

TEST_F(SubscribeTest, ErrorsAreTold) {
  Start({.store = {.store_id = "s", .sequence_limits = {}, .change_log_limits = {1, 1 << 20}},
         .hub = {},
         .subscription = {}});
  v1::SubscribeJoinedRowsRequest request;
  request.set_filter("severity==critical");
  const absl::Status filter = SubscribeError(request);
  EXPECT_THAT(filter, StatusIs(absl::StatusCode::kInvalidArgument, "column 9"));
  EXPECT_EQ(ReasonOf(filter), "INVALID_FILTER");
  EXPECT_EQ(DetailOf(filter)->field_violations.at(0).field, "filter");

  request.set_filter("");
  request.set_resume_token("nonsense");
  EXPECT_EQ(ReasonOf(SubscribeError(request)), "INVALID_RESUME_TOKEN");

  std::string token;
  {
    SubscribedClient client(stub(), {});
    token = client.Read()->resume_token();
  }
  request.set_resume_token(token);
  request.set_final_only(true);
  EXPECT_EQ(ReasonOf(SubscribeError(request)), "RESUME_TOKEN_OTHER_ARGUMENTS");
  request.set_final_only(false);
  store_->Commit({.changes = {Row(1)}}).value();
  store_->Commit({.changes = {Row(2)}}).value();
  const absl::Status too_old = SubscribeError(request);
  EXPECT_THAT(too_old, StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(ReasonOf(too_old), "RESUME_TOKEN_TOO_OLD");
  EXPECT_THAT(Metrics(), testing::HasSubstr("ends_total{reason=\"RESUME_TOKEN_TOO_OLD\"} 1\n"));
}

TEST_F(SubscribeTest, StopEndsStreamsWithAReasonAndTheServerGoesDown) {
  Start({});
  SubscribedClient client(stub(), {});
  client.Read();
  const auto last = client.Read();
  hub_->Stop();
  const absl::Status end = client.Finish();
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ReasonOf(end), "STOPPING");
  EXPECT_EQ(TokenOf(end), last->resume_token());
  // One that comes too late is told where it would have started.
  const absl::Status late = SubscribeError({});
  EXPECT_EQ(ReasonOf(late), "STOPPING");
  EXPECT_THAT(TokenOf(late), testing::Not(testing::IsEmpty()));
  EXPECT_LT(ShutDown(std::chrono::seconds(30)), std::chrono::seconds(15));
}

TEST_F(SubscribeTest, CancelledClientMakesRoomForAnother) {
  Start({.store = {}, .hub = {.subscribers_max = 1}, .subscription = {}});
  SubscribedClient first(stub(), {});
  first.Read();
  EXPECT_EQ(ReasonOf(SubscribeError({})), "TOO_MANY_SUBSCRIBERS");
  first.Cancel();
  for (bool admitted = false; !admitted;) {
    SubscribedClient next(stub(), {});
    admitted = next.Read().has_value();
  }
}

// 40 MB of rows, far beyond what the transport buffers, for a client that reads nothing.
void CommitMuch(RowStore& store) {
  for (int commit = 0; commit < 200; ++commit) {
    std::vector<JoinedRow> changes;
    for (int i = 0; i < 50; ++i) {
      RowSpec spec;
      spec.id = 50 * commit + i;
      spec.event_time = SystemClock().Now();
      spec.labels = LabelSet{{"text", std::string(4000, 'x')}};
      changes.push_back(MakeRow(spec));
    }
    store.Commit({.changes = std::move(changes)}).value();
  }
}

TEST_F(SubscribeTest, StalledClientIsToldWhenItReadsAfterAll) {
  Start({.store = {},
         .hub = {},
         .subscription = {.progress_interval = {},
                          .write_stall_max = Millis(2000),
                          .finish_stall_max = std::chrono::minutes(1)}});
  SubscribedClient stalled(stub(), OfLongAgo());
  stalled.Read();
  const auto fast_stub = OtherStub();
  SubscribedClient fast(*fast_stub, OfLongAgo());
  fast.Read();
  // The neighbour reads all the time, and gets everything.
  auto read = std::async(std::launch::async, [&fast] {
    Folded folded;
    while (folded.rows().size() < 10'000 || !folded.complete()) {
      const auto message = fast.Read();
      if (!message.has_value()) return false;
      folded.Apply(*message);
    }
    return true;
  });
  CommitMuch(*store_);
  ASSERT_TRUE(read.get());
  while (Metrics().find("reason=\"SUBSCRIBER_TOO_SLOW\"} 1\n") == std::string::npos) {
    ASSERT_TRUE(fast.Read().has_value());  // Progress, ten times a second.
  }
  const absl::Status end = stalled.Finish();
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kResourceExhausted, "2000 ms"));
  EXPECT_EQ(ReasonOf(end), "SUBSCRIBER_TOO_SLOW");
  EXPECT_EQ(DetailOf(end)->metadata.at(0).first, "resume_token");
}

TEST_F(SubscribeTest, StalledClientThatNeverReadsIsCutOff) {
  Start({.store = {},
         .hub = {},
         .subscription = {.progress_interval = {},
                          .write_stall_max = Millis(200),
                          .finish_stall_max = Millis(200)}});
  SubscribedClient stalled(stub(), OfLongAgo());
  stalled.Read();
  CommitMuch(*store_);
  // Only an open stream could hold the server up.
  EXPECT_LT(ShutDown(std::chrono::seconds(30)), std::chrono::seconds(15));
  EXPECT_THAT(Metrics(), testing::HasSubstr("alertjoin_subscribers 0\n"));
}

// Requests are taken as bytes: what does not parse is refused, and the server goes on.
TEST_F(SubscribeTest, BytesThatAreNoRequestAreRefused) {
  Start({});
  grpc::GenericStub generic(MakeChannel(fmt::format("127.0.0.1:{}", server_.port)));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto call =
      generic.PrepareCall(&context, "/alertjoin.v1.CorrelatorService/SubscribeJoinedRows", &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    return ok;
  };
  call->StartCall(nullptr);
  ASSERT_TRUE(wait());
  const grpc::Slice slice("\x0a\x7f...");  // A string that ends too early.
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  ASSERT_TRUE(wait());
  grpc::Status status;
  call->Finish(&status, nullptr);
  ASSERT_TRUE(wait());
  EXPECT_THAT(FromGrpcStatus(status), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(status)), "MALFORMED_REQUEST");
  EXPECT_TRUE(SubscribedClient(stub(), {}).Read()->has_started());
}

// Neighbours with the same filter share what is sent; each still gets all of it, with a token of
// its own, wherever it starts.
TEST_F(SubscribeTest, SubscribersThatShareGetWhatOneAloneWould) {
  Start({});
  RandomRowWriter writer(*store_, TestSeed());
  v1::SubscribeJoinedRowsRequest request = OfLongAgo();
  request.set_filter("severity=critical");
  std::vector<std::unique_ptr<SubscribedClient>> clients;
  for (int i = 0; i < 8; ++i) {
    for (int commits = 0; commits < 20; ++commits) writer.Commit();
    clients.push_back(std::make_unique<SubscribedClient>(stub(), request));
  }
  for (int commits = 0; commits < 200; ++commits) writer.Commit();
  RowFilter filter;
  filter.matchers = *ParseMatchers(request.filter());
  const auto expected = ByHexId(writer.TableAt(store_->newest(), filter));
  for (const auto& client : clients) {
    Folded folded;
    while (!folded.complete() || folded.sequence() < store_->newest().value()) {
      const auto message = client->Read();
      ASSERT_TRUE(message.has_value());
      folded.Apply(*message);
    }
    EXPECT_EQ(folded.rows(), expected);
  }
}

}  // namespace
}  // namespace alertjoin

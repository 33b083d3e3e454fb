// The start of a correlator that has to make rows of what its log holds beyond them.

#include <gmock/gmock.h>

#include <atomic>
#include <future>

#include "common/sync/mutex.h"
#include "tests/integration/disk/failing_disk_fixture.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

using ReplayTest = FailingDiskFixture;

// Holds up whoever comes, until it opens.
class Gate {
 public:
  void Pass() {
    MutexLock lock(mutex_);
    reached_ = true;
    changed_.NotifyAll();
    while (!open_) changed_.Wait(mutex_);
  }
  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  // Waits until somebody is held up.
  void WaitReached() {
    MutexLock lock(mutex_);
    while (!reached_) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool reached_ GUARDED_BY(mutex_) = false;
  bool open_ GUARDED_BY(mutex_) = false;
};

TEST_F(ReplayTest, IsSeenUntilItIsOver) {
  StartCorrelator();
  const int http_port = correlator_->http_port();
  std::vector<std::string> names;
  const auto push = [&](const std::string& name) {
    ASSERT_TRUE(TestProducer(correlator_config().grpc_listen_address, name).Push(name));
    names.push_back(name);
    ASSERT_TRUE(WaitForRows(names));
  };
  push("a");
  push("b");
  StopCorrelator();
  // From here on the rows are held back: those of the rounds to come are lost with the power.
  const auto before = correlator_disk_->Files();
  StartCorrelator();
  push("c");
  push("d");
  StopCorrelator();
  auto files = correlator_disk_->Files();
  std::erase_if(
      files, [](const auto& file) { return file.first.find("/data/rows/") != std::string::npos; });
  for (const auto& [path, content] : before) {
    if (path.find("/data/rows/") != std::string::npos) files[path] = content;
  }
  correlator_disk_->SetFiles(files);

  const auto gate = std::make_shared<Gate>();
  std::atomic<bool> opened = false;
  correlator_disk_->SetHook([&, gate](const FileOperation& operation) {
    // What opening the store itself writes is let through: HTTP does not know the log yet.
    if (operation.kind == FileOperation::Kind::kAppend && operation.IsWal() &&
        operation.path.find("/data/rows/") != std::string::npos && !opened) {
      gate->Pass();
    }
    return rocksdb::IOStatus::OK();
  });
  testing::internal::CaptureStderr();
  auto started = std::async(std::launch::async, [&] {
    return CorrelatorApp::Start(correlator_config(), nullptr, EnvOver(correlator_disk_));
  });
  gate->WaitReached();
  const RawHttpResponse held = Get(http_port, "/-/ready");
  const RawHttpResponse alive = Get(http_port, "/-/healthy");
  const RawHttpResponse read = Get(http_port, "/api/v1/stream");
  opened = true;
  gate->Open();
  auto app = started.get();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(held.status, 503);
  EXPECT_THAT(held.body, MatchesRegex("not ready: replaying the event log: record [0-9]+ of "
                                      "[0-9]+\n"));
  EXPECT_EQ(alive.status, 200);
  EXPECT_EQ(read.status, 503);
  EXPECT_THAT(read.body, HasSubstr("NOT_SERVING"));
  EXPECT_THAT(log, testing::ContainsRegex("msg=\"replaying the event log\" record=[0-9]+ end="));
  ASSERT_THAT(app, IsOk());
  correlator_ = *std::move(app);
  EXPECT_EQ(Get(http_port, "/-/ready").status, 200);
  EXPECT_EQ(HealthOf(""), "SERVING");
  EXPECT_EQ(AlertsWithRows(), names);
}

}  // namespace
}  // namespace alertjoin

// The real pipeline, threads and all, on a disk that loses power at every file operation in turn:
// what was said to be durable is there afterwards, and the rows are those that the log makes.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "common/eventlog/rocksdb_event_log.h"
#include "common/status/status.h"
#include "correlator-service/pipeline/apply_round.h"
#include "correlator-service/pipeline/pipeline.h"
#include "correlator-service/pipeline/recovery.h"
#include "correlator-service/rows/memory_row_store.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/forwarding_log.h"
#include "tests/support/join_events.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr uint64_t kBatches = 20;

// Passes everything on, and remembers all that was ever written, trimmed or not.
class RecordingLog final : public ForwardingLog {
 public:
  RecordingLog(EventLog& log, std::map<uint64_t, std::string>& records)
      : ForwardingLog(log), records_(records) {}

  absl::StatusOr<LogPosition> Append(std::span<const std::string> records) override {
    // Also what is not acknowledged may be there in the end.
    uint64_t at = bounds().next.value();
    for (const std::string& record : records) records_[at++] = record;
    return ForwardingLog::Append(records);
  }

 private:
  std::map<uint64_t, std::string>& records_;
};

std::vector<std::string> RowsOf(const RowStore& store) {
  std::vector<std::string> rows;
  for (const SharedRow& row : store.ReadRows({}, 1'000).rows) {
    rows.push_back(
        fmt::format("{} {} {}", row->sequence.value(), ToHex(row->id), DescribeChange(*row)));
  }
  return rows;
}

class PipelinePowerLossTest : public ::testing::Test {
 protected:
  absl::Status TryBoot() {
    RocksdbEventLog::Options log;
    log.folder = "/disk/log";
    log.bytes_max = 64 << 20;
    log.env = EnvOver(disk_);
    ASSIGN_OR_RETURN(log_, RocksdbEventLog::Open(std::move(log)));
    recording_ = std::make_unique<RecordingLog>(*log_, records_);
    RowDatabase::Options rows;
    rows.folder = "/disk/rows";
    rows.env = EnvOver(disk_);
    ASSIGN_OR_RETURN(database_, RowDatabase::Open(std::move(rows)));
    registry_ = std::make_unique<prometheus::Registry>();
    store_ = std::make_unique<DurableRowStore>(*registry_, *database_);
    engine_ = std::make_unique<Engine>(EngineLimits{});
    // Every round is a segment, so that the log is trimmed all the time.
    round_log_ = std::make_unique<RoundLog>(*recording_, RoundLogOptions{.segment_age = Millis(0)});
    return Recover({*round_log_, log_->id(), *database_, *store_, *engine_}, {});
  }
  void Halt() {
    pipeline_.reset();
    round_log_.reset();
    engine_.reset();
    store_.reset();
    database_.reset();
    recording_.reset();
    log_.reset();
  }
  void StartPipeline() {
    PipelineOptions options;
    options.logger.sample_retention = Millis(0);
    options.logger.row_retention = std::chrono::hours(24 * 365 * 500);
    options.logger.expiry_interval = Millis(0);
    pipeline_ = std::make_unique<Pipeline>(options, *engine_, *round_log_, *store_, SystemClock(),
                                           *registry_);
    pipeline_->Start();
  }
  // Hands over one batch after the other, each when the one before is durable or has failed.
  void Push() {
    for (uint64_t i = 1; i <= kBatches && pipeline_->health().ok(); ++i) {
      // Shared: when the rows fail, the acknowledgement may still be on its way.
      const auto is_durable = std::make_shared<std::atomic<bool>>(false);
      std::vector<Event> events;
      events.emplace_back(Samples("q", {{"i", std::to_string(i)}}, {{static_cast<int64_t>(i), 1}}));
      events.emplace_back(Firing({{"i", std::to_string(i)}}, 100, {BindOn("q")}));
      IntakeBatch batch;
      batch.position = {"p", "l", 1, i};
      batch.events = std::move(events);
      batch.bytes = 100;
      batch.durable = [is_durable] { *is_durable = true; };
      ASSERT_TRUE(pipeline_->TryPush(std::move(batch)));
      while (!*is_durable && pipeline_->health().ok()) std::this_thread::yield();
      pushed_ = i;
      if (*is_durable) durable_ = i;
    }
  }
  // Rows as all records up to the end of the log make them.
  std::vector<std::string> ExpectedRows() {
    prometheus::Registry registry;
    MemoryRowStore store(registry);
    Engine engine{EngineLimits{}};
    RoundDecoder decoder;
    for (uint64_t at = 1; at < log_->bounds().next.value(); ++at) {
      auto round = decoder.Decode(records_.at(at));
      EXPECT_THAT(round, IsOk());
      EXPECT_THAT(store.Commit(ApplyRound(engine, LogPosition(at), *std::move(round))), IsOk());
    }
    return RowsOf(store);
  }

  std::shared_ptr<FaultDisk> disk_ = std::make_shared<FaultDisk>();
  std::map<uint64_t, std::string> records_;
  uint64_t pushed_ = 0;
  uint64_t durable_ = 0;
  std::unique_ptr<RocksdbEventLog> log_;
  std::unique_ptr<RecordingLog> recording_;
  std::unique_ptr<RowDatabase> database_;
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<DurableRowStore> store_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<RoundLog> round_log_;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PipelinePowerLossTest, WhatWasDurableIsThereWheneverThePowerGoes) {
  bool survived = false;
  for (int64_t operations = 0; !survived; ++operations) {
    SCOPED_TRACE(fmt::format("{} operations", operations));
    disk_ = std::make_shared<FaultDisk>();
    records_.clear();
    pushed_ = durable_ = 0;
    std::atomic<int64_t> left = operations;
    disk_->SetHook([&left](const FileOperation&) {
      return --left < 0 ? rocksdb::IOStatus::IOError("no power") : rocksdb::IOStatus::OK();
    });
    const bool booted = TryBoot().ok();
    if (booted) {
      StartPipeline();
      Push();
      pipeline_->Stop();
      survived = pipeline_->health().ok() && durable_ == kBatches;
    }
    disk_->CutPower();
    Halt();
    disk_->RestorePower();
    ASSERT_THAT(TryBoot(), IsOk());
    const auto producers = round_log_->Producers();
    const uint64_t known = producers.empty() ? 0 : producers[0].last_sequence;
    ASSERT_GE(known, durable_);
    ASSERT_LE(known, pushed_);
    ASSERT_EQ(RowsOf(*store_), ExpectedRows());
    Halt();
  }
}

}  // namespace
}  // namespace alertjoin

// A correlator without threads and servers, on a disk that loses what was not synced: after every
// crash it must be where an uninterrupted one is, sequences included.

#include "correlator-service/pipeline/recovery.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "common/eventlog/rocksdb_event_log.h"
#include "common/status/status.h"
#include "correlator-service/pipeline/apply_round.h"
#include "correlator-service/rows/memory_row_store.h"
#include "correlator-service/verify/verify_rows.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/join_events.h"
#include "tests/support/random_history.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

std::string DescribeStored(const JoinedRow& row) {
  return fmt::format("{} {} {} {} {}", ToHex(row.id), row.sequence.value(), DescribeChange(row),
                     row.applied_time.millis(), DescribeFully(row));
}

std::string DescribeStored(const Alert& alert) {
  const Transition& transition = *alert.transition;
  const auto millis = [](const std::optional<Timestamp>& time) {
    return time ? fmt::to_string(time->millis()) : std::string("none");
  };
  return fmt::format("alert {} {} {} {} {} {} {} {} {} {}", ToHex(alert.id), alert.sequence.value(),
                     static_cast<int>(alert.operation), static_cast<int>(transition.state),
                     transition.source, transition.fingerprint, transition.starts_at.millis(),
                     millis(transition.ends_at), millis(transition.active_at),
                     alert.received_time.millis());
}

// Rows, alerts, changes, progress and sources, all of them, as text.
std::string Dump(const RowStore& store, Sequence floor) {
  std::string text = fmt::format("newest {}\n", store.newest().value());
  for (const SharedRow& row : store.ReadRows({}, 100'000).rows) {
    text += DescribeStored(*row) + "\n";
  }
  for (const SharedAlert& alert : store.ReadAlerts({}, 100'000).alerts) {
    text += DescribeStored(*alert) + "\n";
  }
  const auto read = store.ReadChanges(floor, SIZE_MAX, SIZE_MAX);
  EXPECT_THAT(read, IsOk());
  for (const SharedChangeSet& set : read->sets) {
    // Changes of one sequence have no order.
    std::vector<std::string> changes;
    for (const RowChange& change : set->changes) {
      changes.push_back(
          fmt::format("  {} was {}\n", DescribeStored(*change.row), change.previous != nullptr));
    }
    for (const AlertChange& change : set->alerts) {
      changes.push_back(
          fmt::format("  {} was {}\n", DescribeStored(*change.alert),
                      change.previous_state ? static_cast<int>(*change.previous_state) : 0));
    }
    std::sort(changes.begin(), changes.end());
    text +=
        fmt::format("sequence {} {}\n", set->sequence.value(), set->gap ? set->gap->reason : "");
    for (const std::string& change : changes) text += change;
  }
  for (const QueryProgress& progress : *store.Progress()) {
    text += fmt::format("{} {} {}\n", progress.query.name, progress.complete_from.millis(),
                        progress.complete_through.millis());
  }
  for (const SharedSourceStatus& status : store.Sources()) {
    text += fmt::format("source {} {} {}\n", status->source, static_cast<int>(status->health),
                        status->time.millis());
  }
  return text;
}

// The one that never crashes.
class Reference {
 public:
  void Apply(LogPosition at, const Round& round) {
    EXPECT_THAT(store.Commit(ApplyRound(engine_, at, round)), IsOk());
    store.PublishProgress(std::make_shared<const ProgressBoard>(engine_.Progress()));
  }

  prometheus::Registry registry;
  MemoryRowStore store{registry};

 private:
  Engine engine_{EngineLimits{}};
};

class RecoveryTest : public ::testing::Test {
 protected:
  absl::Status TryBoot() {
    Halt();
    RocksdbEventLog::Options log;
    log.folder = "/disk/log";
    log.bytes_max = 64 << 20;
    log.write_buffer_bytes = 64 << 10;
    log.env = EnvOver(disk_);
    ASSIGN_OR_RETURN(log_, RocksdbEventLog::Open(std::move(log)));
    RowDatabase::Options rows;
    rows.folder = "/disk/rows";
    rows.write_buffer_bytes = 64 << 10;
    rows.env = EnvOver(disk_);
    ASSIGN_OR_RETURN(database_, RowDatabase::Open(std::move(rows)));
    registry_ = std::make_unique<prometheus::Registry>();
    store_ = std::make_unique<DurableRowStore>(*registry_, *database_);
    engine_ = std::make_unique<Engine>(EngineLimits{});
    // Segments of a few rounds.
    round_log_ = std::make_unique<RoundLog>(*log_, RoundLogOptions{.segment_age = Millis(3)});
    return Recover({*round_log_, log_->id(), *database_, *store_, *engine_}, {});
  }
  void Halt() {
    round_log_.reset();
    engine_.reset();
    store_.reset();
    database_.reset();
    log_.reset();
  }
  void KillProcess() {
    disk_->CutPower();
    Halt();
    disk_->KillProcess();
  }
  void LosePower(std::mt19937_64& random) {
    disk_->CutPower();
    Halt();
    disk_->RestorePower(
        [&random](const std::string&, size_t unsynced) { return random() % (unsynced + 1); });
  }

  // False when the disk has failed. The round may be in the log then, or not.
  bool Do(Round round) {
    rounds_.push_back(round);
    const auto at = round_log_->Append(rounds_.back());
    if (!at.ok()) return false;
    EXPECT_EQ(*at, LogPosition(rounds_.size()));
    acknowledged_ = rounds_.size();
    const bool has_horizons = rounds_.back().horizons.has_value();
    if (!store_->Commit(ApplyRound(*engine_, *at, rounds_.back())).ok()) return false;
    store_->PublishProgress(std::make_shared<const ProgressBoard>(engine_->Progress()));
    return !has_horizons || TrimLog();
  }
  bool TrimLog() {
    const auto trimmable = round_log_->FindTrimmable(engine_->sample_horizon());
    if (!trimmable) return true;
    Round carry;
    carry.time = rounds_.back().time;
    carry.carried = engine_->CarryOver(trimmable->newest_sample);
    if (!Do(std::move(carry)) || !store_->Sync().ok()) return false;
    ++trims_;
    return round_log_->Trim(trimmable->before).ok();
  }
  // Time goes by with the rounds, and with it samples and retention, so that the log is trimmed.
  Round RandomRound(RandomHistory& history) {
    constexpr int64_t kRoundsPerMilli = 6;
    Round round;
    round.time = At(static_cast<int64_t>(rounds_.size()) / kRoundsPerMilli);
    if (history.Upto(5) == 0) {
      round.horizons = {round.time - Millis(history.Upto(10)), At(history.Upto(60))};
      return round;
    }
    for (int64_t i = history.Upto(4); i >= 0; --i) {
      Event event = history.MakeEvent(true);
      if (auto* const samples = std::get_if<SampleBatch>(&event)) {
        for (Timestamp& time : samples->times) time = round.time + Millis(time.millis() % 25 - 12);
      }
      round.events.push_back(std::move(event));
    }
    if (history.Upto(3) == 0) {
      SourceStatus status;
      status.source = std::to_string(history.Upto(3));
      status.producer_id = "ingest";
      status.health = static_cast<SourceHealth>(1 + history.Upto(4));
      status.time = round.time - Millis(history.Upto(5));
      round.events.emplace_back(std::move(status));
    }
    round.producers.push_back({"p", "l", 1, rounds_.size() + 1});
    return round;
  }

  // After a start: everything acknowledged is there, and all is as if nothing had happened.
  void Check() {
    const size_t there = log_->bounds().next.value() - 1;
    ASSERT_GE(there, acknowledged_);
    ASSERT_LE(there, rounds_.size());
    rounds_.resize(there);
    acknowledged_ = there;
    Reference reference;
    for (size_t i = 0; i < rounds_.size(); ++i) reference.Apply(LogPosition(i + 1), rounds_[i]);
    ASSERT_EQ(Dump(*store_, store_->floor()), Dump(reference.store, store_->floor()));
    RoundLog again(*log_, {});
    const auto verified = VerifyRows(again, *database_, {});
    ASSERT_THAT(verified, IsOk());
    ASSERT_EQ(verified->differences, 0u) << verified->examples[0];
    compared_ += verified->rows_compared;
  }

  std::shared_ptr<FaultDisk> disk_ = std::make_shared<FaultDisk>();
  std::vector<Round> rounds_;
  size_t acknowledged_ = 0;
  size_t trims_ = 0;
  uint64_t compared_ = 0;
  std::unique_ptr<RocksdbEventLog> log_;
  std::unique_ptr<RowDatabase> database_;
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<DurableRowStore> store_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<RoundLog> round_log_;
};

TEST_F(RecoveryTest, GoesOnWhereItStoodAfterAnyKillOrPowerCut) {
  const uint64_t seed = TestSeed();
  RandomHistory history(seed);
  ASSERT_THAT(TryBoot(), IsOk());
  for (int crash = 0; crash < 120; ++crash) {
    SCOPED_TRACE(fmt::format("seed {} crash {}", seed, crash));
    const int64_t rounds = history.Upto(8);
    const bool power = history.Upto(1) == 0;
    if (power) {
      // In the middle of something.
      const RocksdbsOwn spared;
      disk_->SetHook([left = history.Upto(40), spared](const FileOperation& operation) mutable {
        if (spared.Matches(operation)) return rocksdb::IOStatus::OK();
        return --left < 0 ? rocksdb::IOStatus::IOError("no power") : rocksdb::IOStatus::OK();
      });
    }
    for (int64_t i = 0; i < rounds; ++i) {
      if (!Do(RandomRound(history))) break;
    }
    if (power) {
      LosePower(history.random());
    } else {
      KillProcess();
    }
    ASSERT_THAT(TryBoot(), IsOk());
    ASSERT_NO_FATAL_FAILURE(Check());
  }
  EXPECT_GT(trims_, 5u);
  EXPECT_GT(compared_, 100u);
  ASSERT_EQ(round_log_->Producers().size(), 1u);
}

TEST_F(RecoveryTest, RowsThatWereNotSyncedAreMadeAgainWithTheirSequences) {
  ASSERT_THAT(TryBoot(), IsOk());
  RandomHistory history(1);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Do(RandomRound(history)));
  disk_->CutPower();
  Halt();
  disk_->RestorePower();  // Of the rows nothing is left.
  ASSERT_THAT(TryBoot(), IsOk());
  Check();
}

TEST_F(RecoveryTest, RowsOfAnotherLogAreRefused) {
  ASSERT_THAT(TryBoot(), IsOk());
  ASSERT_TRUE(Do({At(1), {}, {Firing({{"i", "1"}}, 100, {})}, {}, {}}));
  Halt();
  for (const std::string& path : disk_->PathsOf("")) {
    if (path.find("/log/") != std::string::npos) disk_->Remove(path);
  }
  EXPECT_THAT(TryBoot(), StatusIs(absl::StatusCode::kFailedPrecondition, "made from"));
}

TEST_F(RecoveryTest, ALogThatEndsBeforeTheRowsIsRefused) {
  ASSERT_THAT(TryBoot(), IsOk());
  ASSERT_TRUE(Do({At(1), {}, {Firing({{"i", "1"}}, 100, {})}, {}, {}}));
  KillProcess();
  const auto old_files = disk_->Files();
  ASSERT_THAT(TryBoot(), IsOk());
  ASSERT_TRUE(Do({At(2), {}, {Firing({{"i", "2"}}, 100, {})}, {}, {}}));
  KillProcess();
  auto mixed = disk_->Files();
  std::erase_if(mixed, [](const auto& file) { return file.first.starts_with("/disk/log/"); });
  for (const auto& [path, content] : old_files) {
    if (path.starts_with("/disk/log/")) mixed[path] = content;
  }
  disk_->SetFiles(mixed);
  EXPECT_THAT(TryBoot(), StatusIs(absl::StatusCode::kDataLoss, "ends before record"));
}

TEST_F(RecoveryTest, LostRowsAreMadeFromWhatTheLogHolds) {
  ASSERT_THAT(TryBoot(), IsOk());
  ASSERT_TRUE(Do({At(1), {}, {Firing({{"i", "1"}}, 100, {})}, {}, {}}));
  Halt();
  for (const std::string& path : disk_->PathsOf("")) {
    if (path.find("/rows/") != std::string::npos) disk_->Remove(path);
  }
  ASSERT_THAT(TryBoot(), IsOk());
  EXPECT_EQ(store_->ReadRows({}, 10).rows.size(), 1u);
}

TEST_F(RecoveryTest, AlertsFromBeforeTheyHadSequencesAreKnownAndGoOn) {
  ASSERT_THAT(TryBoot(), IsOk());
  rounds_.push_back({At(1), {}, {Firing({{"i", "1"}}, 100, {})}, {}, {}});
  const auto at = round_log_->Append(rounds_.back());
  ASSERT_THAT(at, IsOk());
  RowCommit commit = ApplyRound(*engine_, *at, rounds_.back());
  commit.alerts.clear();  // As that version did.
  ASSERT_THAT(store_->Commit(std::move(commit)), IsOk());
  KillProcess();
  ASSERT_THAT(TryBoot(), IsOk());
  const AlertPage page = store_->ReadAlerts({}, 10);
  ASSERT_EQ(page.alerts.size(), 1u);
  EXPECT_EQ(page.alerts[0]->sequence, Sequence(0));
  EXPECT_EQ(page.alerts[0]->starts_at(), At(100));
  // A repetition is no change, an end is one.
  ASSERT_TRUE(Do({At(2), {}, {Firing({{"i", "1"}}, 100, {})}, {}, {}}));
  EXPECT_EQ(store_->newest(), Sequence(1));
  ASSERT_TRUE(Do({At(3), {}, {Resolved({{"i", "1"}}, 100, 200, {})}, {}, {}}));
  KillProcess();
  ASSERT_THAT(TryBoot(), IsOk());
  const AlertPage again = store_->ReadAlerts({}, 10);
  ASSERT_EQ(again.alerts.size(), 1u);
  EXPECT_EQ(again.alerts[0]->sequence, Sequence(2));
  EXPECT_EQ(again.alerts[0]->id, page.alerts[0]->id);
  EXPECT_EQ(again.alerts[0]->ends_at(), At(200));
}

TEST_F(RecoveryTest, CanBeGivenUp) {
  ASSERT_THAT(TryBoot(), IsOk());
  ASSERT_TRUE(Do({At(1), {}, {Firing({{"i", "1"}}, 100, {})}, {}, {}}));
  registry_ = std::make_unique<prometheus::Registry>();
  store_ = std::make_unique<DurableRowStore>(*registry_, *database_);
  Engine engine{EngineLimits{}};
  RoundLog again(*log_, {});
  EXPECT_THAT(Recover({again, log_->id(), *database_, *store_, engine},
                      [](LogPosition, LogPosition) { return false; }),
              StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace alertjoin

// Whatever is appended, acknowledged, dropped and cut off by crashes, in any order: each sample and
// each claim has been handed over, or is still there, or lies in a gap that has been handed over or
// is still there.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/event/event_codec.h"
#include "ingest-service/spool/sample_lane.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seed.h"
#include "tests/unit/ingest-service/spool/sample_events.h"
#include "tests/unit/ingest-service/spool/scripted_log.h"

namespace alertjoin {
namespace {

constexpr uint64_t kLaneBytes = 32 << 10;

// What is known of one query, by whoever has taken its events.
struct Known {
  std::set<int64_t> times;
  std::vector<std::pair<int64_t, int64_t>> claims;
  std::vector<std::pair<int64_t, int64_t>> voided;

  bool Voids(int64_t from, int64_t through) const {
    for (const auto& [first, last] : voided) {
      if (first <= from && through <= last) return true;
    }
    return false;
  }
};

using KnownByQuery = std::map<std::string, Known>;

void Take(const Event& event, KnownByQuery& known) {
  if (const auto* batch = std::get_if<SampleBatch>(&event)) {
    for (size_t i = 0; i < batch->size(); ++i) {
      known[batch->series[batch->series_index[i]]->query->name].times.insert(
          batch->times[i].millis());
    }
  } else if (const auto* progress = std::get_if<QueryProgress>(&event)) {
    known[progress->query.name].claims.emplace_back(progress->complete_from.millis(),
                                                    progress->complete_through.millis());
  } else {
    const Gap& gap = std::get<Gap>(event);
    known[gap.query->name].voided.emplace_back(gap.from->millis(), gap.through->millis());
  }
}

class SampleLaneModel : public ::testing::Test {
 protected:
  int Below(int bound) { return static_cast<int>(random_() % static_cast<uint64_t>(bound)); }

  void Open() {
    lane_.reset();
    registry_ = std::make_unique<prometheus::Registry>();
    lane_ = std::make_unique<SampleLane>(log_, kLaneBytes, clock_, *registry_);
    next_ = std::max(next_, log_.bounds().first);
  }

  void Append() {
    const std::string query(1, static_cast<char>('a' + Below(5)));
    const int64_t from = time_ += Below(30);
    const int64_t through = from + Below(60);
    std::vector<Event> events{SamplesOf(query, from, through)};
    if (Below(2) == 0) events.emplace_back(ProgressOf(query, from - Below(100), through));
    if (!lane_->Append(events).ok()) return;
    for (const Event& event : events) Take(event, appended_);
  }

  // As the correlator takes events: some of what is there, and acknowledges it sooner or later.
  void Deliver() {
    next_ = std::max(next_, log_.bounds().first);
    const auto chunk = lane_->spool().Read(next_, static_cast<size_t>(1 + Below(40)), SIZE_MAX);
    ASSERT_THAT(chunk, IsOk());
    for (const std::string& record : chunk->records) Take(*DecodeRecord(record), delivered_);
    next_ = next_.Next(chunk->records.size());
    if (Below(3) > 0) {
      ASSERT_THAT(lane_->spool().Acknowledge(LogPosition(next_.value() - 1)), IsOk());
    }
  }

  void CheckNothingIsMissingInSilence() {
    next_ = log_.bounds().first;
    const auto rest = lane_->spool().Read(next_, SIZE_MAX, SIZE_MAX);
    ASSERT_THAT(rest, IsOk());
    for (const std::string& record : rest->records) Take(*DecodeRecord(record), delivered_);
    for (auto& [query, known] : appended_) {
      Known& got = delivered_[query];
      for (const int64_t time : known.times) {
        ASSERT_TRUE(got.times.contains(time) || got.Voids(time, time)) << query << " " << time;
      }
      const std::set<std::pair<int64_t, int64_t>> claims(got.claims.begin(), got.claims.end());
      for (const auto& claim : known.claims) {
        ASSERT_TRUE(claims.contains(claim) || got.Voids(claim.first, claim.second)) << query;
      }
    }
  }

  ManualClock clock_{Timestamp::FromMillis(1'772'000'000'000)};
  std::mt19937_64 random_{TestSeed()};
  ScriptedLog log_{kLaneBytes};
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<SampleLane> lane_;
  int64_t time_ = 0;
  LogPosition next_{1};
  KnownByQuery appended_;
  KnownByQuery delivered_;
};

TEST_F(SampleLaneModel, NothingIsMissingInSilence) {
  Open();
  for (int phase = 0; phase < 60; ++phase) {
    // Now and then the correlator is away.
    const bool away = Below(2) == 0;
    for (int step = 0; step < 100; ++step) {
      if (!away && Below(2) == 0) Deliver();
      Append();
    }
    // A crash, sometimes in the middle of a drop.
    if (Below(3) == 0) {
      log_.FailTrims(true);
      for (int step = 0; step < 30; ++step) Append();
      log_.FailTrims(false);
      Open();
    }
  }
  EXPECT_LE(log_.bounds().bytes, kLaneBytes);
  CheckNothingIsMissingInSilence();
}

TEST_F(SampleLaneModel, ThreadsThatAppendAndAcknowledgeAtOnceLoseNothingInSilence) {
  Open();
  constexpr int kAppenders = 2;
  constexpr int kAppends = 4000;
  std::array<KnownByQuery, kAppenders> known;
  std::atomic<int> running = kAppenders;
  std::vector<std::thread> threads;
  for (int i = 0; i < kAppenders; ++i) {
    threads.emplace_back([this, i, &known, &running] {
      for (int at = 0; at < kAppends; ++at) {
        const Event event = SamplesOf("query " + std::to_string(i), at * 20, at * 20 + 19);
        EXPECT_THAT(lane_->Append({&event, 1}), IsOk());
        Take(event, known[static_cast<size_t>(i)]);
      }
      --running;
    });
  }
  while (running > 0) {
    const auto chunk = lane_->spool().Read(next_, 50, SIZE_MAX);
    if (absl::IsOutOfRange(chunk.status())) {
      next_ = log_.bounds().first;
      continue;
    }
    ASSERT_THAT(chunk, IsOk());
    for (const std::string& record : chunk->records) Take(*DecodeRecord(record), delivered_);
    next_ = next_.Next(chunk->records.size());
    ASSERT_THAT(lane_->spool().Acknowledge(LogPosition(next_.value() - 1)), IsOk());
  }
  for (std::thread& thread : threads) thread.join();
  for (KnownByQuery& of_thread : known) appended_.merge(of_thread);
  CheckNothingIsMissingInSilence();
}

}  // namespace
}  // namespace alertjoin

// Many transitions at once: they go into the spool piece by piece, and others go in between.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/event/event_codec.h"
#include "common/eventlog/memory_event_log.h"
#include "ingest-service/intake/transition_intake.h"
#include "tests/support/forwarding_log.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

constexpr size_t kMany = 100;
constexpr size_t kAlertBytes = 4'000;
// The fewest pieces that so many can be.
constexpr size_t kPiecesMin = kMany * kAlertBytes / TransitionIntake::kPieceBytes + 1;

// Remembers the sizes of what is appended, and has something done before each append.
class WatchedLog final : public ForwardingLog {
 public:
  WatchedLog() : ForwardingLog(log_) {}

  std::function<absl::Status(size_t appends)> before = [](size_t) { return absl::OkStatus(); };
  std::vector<size_t> sizes;

  absl::StatusOr<LogPosition> Append(std::span<const std::string> records) override {
    const absl::Status status = before(sizes.size());
    if (!status.ok()) return status;
    sizes.push_back(
        std::accumulate(records.begin(), records.end(), size_t{0},
                        [](size_t sum, const std::string& record) { return sum + record.size(); }));
    return ForwardingLog::Append(records);
  }

 private:
  MemoryEventLog log_{64 << 20};
};

class NoBinder final : public Binder {
 public:
  std::vector<Binding> Bind(const TransitionEvent&) const override { return {}; }
};

class IntakePiecesTest : public testing::Test, public TransitionListener {
 protected:
  void OnTransitions(std::span<const TransitionEvent> transitions) override {
    told_.push_back(transitions.size());
    when_told_();
  }

  static std::vector<TransitionEvent> Alerts(const std::string& name, size_t count) {
    std::vector<TransitionEvent> alerts(count);
    for (size_t i = 0; i < count; ++i) {
      alerts[i].source = "am";
      alerts[i].fingerprint = name + std::to_string(i);
      alerts[i].labels = {{"alertname", name}};
      alerts[i].annotations = {{"text", std::string(count == 1 ? 0 : kAlertBytes, 'x')}};
    }
    return alerts;
  }
  std::vector<Event> Spooled() const {
    std::vector<Event> events;
    const auto chunk = log_.Read(log_.bounds().first, 10 * kMany, 64 << 20);
    EXPECT_THAT(chunk, IsOk());
    for (const std::string& record : chunk->records) events.push_back(*DecodeRecord(record));
    return events;
  }
  // Has another thread take one, and gives true if it need not wait for this one.
  bool OtherIsTaken(const std::string& name) {
    others_.push_back(std::async(std::launch::async,
                                 [this, name] { return intake_.TakeNews(Alerts(name, 1)).ok(); }));
    return others_.back().wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  }

  WatchedLog log_;
  Spool spool_{log_, 32 << 20};
  NoBinder binder_;
  TransitionIntake intake_{binder_, spool_, *this};
  std::vector<size_t> told_;
  std::function<void()> when_told_ = [] {};
  std::vector<std::future<bool>> others_;
};

TEST_F(IntakePiecesTest, ManyAreSyncedInPiecesWithThePayloadBehindTheLast) {
  std::string body(3 * TransitionIntake::kPieceBytes, 'b');
  std::minstd_rand random;  // Payloads are kept compressed.
  for (char& c : body) c = static_cast<char>(random() % 128);
  EXPECT_THAT(intake_.Take(Alerts("a", kMany), RawPayload{"am", Timestamp(), body}), IsOk());
  ASSERT_THAT(log_.sizes, SizeIs(Gt(kPiecesMin)));
  EXPECT_GT(log_.sizes.back(), 2 * TransitionIntake::kPieceBytes);  // On its own.
  log_.sizes.pop_back();
  EXPECT_THAT(log_.sizes, Each(Le(TransitionIntake::kPieceBytes)));
  EXPECT_EQ(std::accumulate(told_.begin(), told_.end(), size_t{0}), kMany);
  const std::vector<Event> events = Spooled();
  ASSERT_EQ(events.size(), kMany + 1);
  for (size_t i = 0; i < kMany; ++i) {
    EXPECT_EQ(TransitionOf(events[i])->fingerprint, "a" + std::to_string(i));
  }
  EXPECT_EQ(std::get<RawPayload>(events.back()).body, body);
}

// A lock that is held over all of it would show here, whichever it is.
TEST_F(IntakePiecesTest, WhoTakesFewNeedNotWaitForOneWhoTakesMany) {
  bool is_large = true;
  size_t taken = 0;
  const auto take_another = [&] {
    if (HasFailure() || !std::exchange(is_large, false)) return;
    EXPECT_TRUE(OtherIsTaken("b" + std::to_string(++taken)));
    is_large = true;
  };
  log_.before = [&](size_t) {
    take_another();
    return absl::OkStatus();
  };
  when_told_ = take_another;
  const auto gently = [&](const std::function<void()>& work) {
    work();
    take_another();
  };
  EXPECT_THAT(intake_.Take(Alerts("a", kMany), std::nullopt, gently), IsOk());
  const size_t by_take = taken;
  EXPECT_GE(by_take, 2 * kPiecesMin);
  EXPECT_THAT(intake_.TakeNews(Alerts("c", kMany), nullptr, gently), IsOk());
  EXPECT_GE(taken - by_take, 2 * kPiecesMin);
  EXPECT_EQ(Spooled().size(), 2 * kMany + taken);
}

TEST_F(IntakePiecesTest, AfterAFailureOnlyWhatIsNotInTheSpoolIsNews) {
  log_.before = [](size_t appends) {
    return appends == 1 ? absl::UnavailableError("broken") : absl::OkStatus();
  };
  EXPECT_THAT(intake_.Take(Alerts("a", kMany), RawPayload{"am", Timestamp(), "{}"}),
              StatusIs(absl::StatusCode::kUnavailable));
  const size_t kept = Spooled().size();
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, kMany);
  EXPECT_THAT(told_, ElementsAre(kept));
  log_.before = [](size_t) { return absl::OkStatus(); };
  const auto taken = intake_.TakeNews(Alerts("a", kMany));
  ASSERT_THAT(taken, IsOk());
  EXPECT_THAT(*taken, SizeIs(kMany - kept));
  EXPECT_EQ(taken->front(), kept);
  EXPECT_EQ(Spooled().size(), kMany);
}

TEST_F(IntakePiecesTest, ASpoolWithoutRoomForAllTakesNoPiece) {
  Spool small(log_, kMany * kAlertBytes);
  TransitionIntake intake(binder_, small, *this);
  EXPECT_THAT(intake.Take(Alerts("a", kMany)), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(log_.sizes, IsEmpty());
  EXPECT_THAT(told_, IsEmpty());
}

}  // namespace
}  // namespace alertjoin

#include "correlator-service/subscribe/sample_cursor.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "common/eventlog/memory_event_log.h"
#include "common/status/status.h"
#include "correlator-service/rows/memory_row_store.h"
#include "tests/support/at_time.h"
#include "tests/support/joined_rows.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SampleCursorTest : public ::testing::Test {
 protected:
  // One round of one sample of each series, taken at that time.
  void Append(int64_t taken, std::vector<std::pair<std::string, double>> samples,
              std::vector<Gap> gaps = {}) {
    Round round;
    round.time = At(taken);
    SampleBatch batch;
    const auto query = std::make_shared<const Query>(Query{"prom", "q", "q", TimeKind::kSample});
    for (const auto& [label, value] : samples) {
      batch.series_index.push_back(static_cast<uint32_t>(batch.series.size()));
      batch.series.push_back(
          std::make_shared<const SeriesKey>(SeriesKey{query, LabelSet{{"i", label}}}));
      batch.times.push_back(At(taken));
      batch.values.push_back(value);
    }
    if (batch.size() > 0) round.events.emplace_back(std::move(batch));
    for (Gap& gap : gaps) round.events.emplace_back(std::move(gap));
    ASSERT_THAT(log_->Append(round), IsOk());
  }
  void OpenAnew() {
    log_ = std::make_unique<RoundLog>(records_, kSmallSegments);
    ASSERT_THAT(log_->Replay([](LogPosition, Round&&) { return absl::OkStatus(); }), IsOk());
    readers_ = std::make_unique<SampleReaders>(*log_);
  }
  static Gap GapOf(const std::string& source, std::optional<Query> query = {}) {
    return Gap{source, std::move(query), {}, {}, "lost", false};
  }
  absl::StatusOr<SampleCursor> TryOpen(SampleArguments arguments, int64_t now = 1000) {
    return SampleCursor::Create(store_, *readers_, std::move(arguments), At(now), limits_);
  }
  SampleCursor Open(SampleArguments arguments = {}, int64_t now = 1000) {
    return TryOpen(std::move(arguments), now).value();
  }
  static SampleArguments From(std::string token) {
    SampleArguments arguments;
    arguments.resume_token = std::move(token);
    return arguments;
  }
  // The next message as text: "started", "1=0.5 2=0.5", "complete", "progress", "gap"; "" when
  // there is none.
  std::string Next(SampleCursor& cursor, bool progress_due = false) {
    for (int turns = 0; turns < 1000; ++turns) {
      auto step = cursor.Next(progress_due, At(5000));
      EXPECT_THAT(step, IsOk());
      if (!step.ok()) return "error";
      if (step->kind == SubscriptionStep::Kind::kAgain) continue;
      if (step->kind == SubscriptionStep::Kind::kIdle) return "";
      EXPECT_EQ(step->message->resume_token, cursor.Token());
      return TextOf(*step->message);
    }
    return "no end";
  }
  // All that is there.
  std::vector<std::string> ReadAll(SampleCursor& cursor) {
    std::vector<std::string> texts;
    for (std::string text = Next(cursor); !text.empty(); text = Next(cursor)) {
      texts.push_back(text);
    }
    EXPECT_FALSE(cursor.HasNews());
    return texts;
  }
  static std::string TextOf(const SubscriptionMessage& message) {
    if (std::holds_alternative<StartedMessage>(message.body)) return "started";
    if (std::holds_alternative<SnapshotCompleteMessage>(message.body)) return "complete";
    if (std::holds_alternative<ProgressMessage>(message.body)) return "progress";
    if (std::holds_alternative<SampleGapMessage>(message.body)) return "gap";
    std::string text;
    for (const auto& [round, chosen] : std::get<SamplesMessage>(message.body).parts) {
      for (const ChosenSample& sample : chosen) {
        const SampleBatch& batch = round->batches[sample.batch];
        const SeriesKey& key = *batch.series[batch.series_index[sample.index]];
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", key.labels.Get("i"),
                            batch.values[sample.index]);
      }
    }
    return text;
  }
  static size_t SamplesOf(const SubscriptionStep& step) {
    const auto* samples = step.kind == SubscriptionStep::Kind::kMessage
                              ? std::get_if<SamplesMessage>(&step.message->body)
                              : nullptr;
    size_t count = 0;
    if (samples == nullptr) return count;
    for (const auto& part : samples->parts) count += part.chosen.size();
    return count;
  }
  static ProgressMessage ProgressOf(const absl::StatusOr<SubscriptionStep>& step) {
    EXPECT_THAT(step, IsOk());
    const auto* progress = step.ok() && step->kind == SubscriptionStep::Kind::kMessage
                               ? std::get_if<ProgressMessage>(&step->message->body)
                               : nullptr;
    EXPECT_NE(progress, nullptr);
    return progress == nullptr ? ProgressMessage{{}, {}, std::make_shared<ProgressBoard>(), ""}
                               : *progress;
  }
  static std::string ReasonOf(const absl::Status& status) {
    const auto detail = DetailOf(status);
    return detail.has_value() ? detail->reason : "";
  }

  static constexpr RoundLogOptions kSmallSegments{.segment_age = Millis(40)};

  MemoryEventLog records_{64 << 20};
  std::unique_ptr<RoundLog> log_ = std::make_unique<RoundLog>(records_, kSmallSegments);
  std::unique_ptr<SampleReaders> readers_ = std::make_unique<SampleReaders>(*log_);
  prometheus::Registry registry_;
  MemoryRowStore store_{registry_};
  SampleMessageLimits limits_;
};

TEST_F(SampleCursorTest, AnEmptyLogIsCompleteAtOnceAndThenLive) {
  SampleCursor cursor = Open();
  EXPECT_THAT(ReadAll(cursor), ElementsAre("started", "complete"));
  Append(10, {{"1", 5}});
  EXPECT_TRUE(cursor.HasNews());
  EXPECT_THAT(ReadAll(cursor), ElementsAre("1=5"));
}

TEST_F(SampleCursorTest, TheSnapshotIsWhatWasTakenInItsWindow) {
  for (int i = 1; i <= 9; ++i) Append(100 * i, {{"1", i}});
  SampleArguments arguments;
  arguments.snapshot_window = Millis(300);
  SampleCursor cursor = Open(arguments, 1000);
  EXPECT_THAT(ReadAll(cursor), ElementsAre("started", "1=7 1=8 1=9", "complete"));
  Append(1, {{"1", 10}});  // The clock was put back: what is live is sent whatever its time.
  EXPECT_THAT(ReadAll(cursor), ElementsAre("1=10"));
}

TEST_F(SampleCursorTest, LiveOnlyHasNoSnapshot) {
  Append(10, {{"1", 1}});
  SampleArguments arguments;
  arguments.live_only = true;
  SampleCursor cursor = Open(arguments);
  EXPECT_THAT(ReadAll(cursor), ElementsAre("started"));
  Append(20, {{"1", 2}});
  EXPECT_THAT(ReadAll(cursor), ElementsAre("1=2"));
}

TEST_F(SampleCursorTest, OnlySeriesOfTheSelectionAreSent) {
  SampleArguments arguments;
  arguments.series.matchers = ParseMatchers("i=~\"2|3\"").value();
  SampleCursor cursor = Open(arguments);
  for (int i = 0; i < 5; ++i) Append(10 * i, {{"1", i}, {"2", i}, {"3", i}, {"4", i}});
  EXPECT_THAT(ReadAll(cursor),
              ElementsAre("started", "complete", "2=0 3=0 2=1 3=1 2=2 3=2 2=3 3=3 2=4 3=4"));
  arguments.series.matchers = {};
  arguments.series.query_name = "other";
  SampleCursor other = Open(arguments);
  EXPECT_THAT(ReadAll(other), ElementsAre("started", "complete"));
}

TEST_F(SampleCursorTest, ARoundOfManySamplesComesInSeveralMessages) {
  limits_.samples_max = 2;
  SampleCursor cursor = Open();
  Append(10, {{"1", 1}, {"2", 2}, {"3", 3}});
  Append(20, {{"4", 4}, {"5", 5}});
  EXPECT_THAT(ReadAll(cursor), ElementsAre("started", "complete", "1=1 2=2", "3=3 4=4", "5=5"));
  limits_ = {.samples_max = 100, .bytes_max = 1};
  SampleCursor small = Open();
  EXPECT_THAT(ReadAll(small),
              ElementsAre("started", "1=1", "2=2", "3=3", "4=4", "5=5", "complete"));
}

TEST_F(SampleCursorTest, GapsComeInTheirPlaceWhenTheyConcernTheSelection) {
  const Query other{"prom", "other", "other", TimeKind::kSample};
  SampleArguments arguments;
  arguments.live_only = true;
  SampleCursor all = Open(arguments);
  arguments.series.query_name = "q";
  arguments.series.source = "prom";
  SampleCursor some = Open(arguments);
  Append(10, {{"1", 1}}, {GapOf("prom"), GapOf("prom", other), GapOf("am")});
  Append(20, {{"1", 2}});
  EXPECT_THAT(ReadAll(all), ElementsAre("started", "1=1", "gap", "gap", "gap", "1=2"));
  EXPECT_THAT(ReadAll(some), ElementsAre("started", "1=1", "gap", "1=2"));
  // One who is not told what a gap is of would be, by which of them come.
  arguments.resume_token.clear();
  arguments.live_only = false;
  arguments.series.scope = ParseMatchers("i=1").value();
  SampleCursor scoped = Open(arguments);
  EXPECT_THAT(ReadAll(scoped),
              ElementsAre("started", "1=1", "gap", "gap", "gap", "1=2", "complete"));
}

TEST_F(SampleCursorTest, ProgressComesWhenItIsDueAndEverythingIsSent) {
  Append(10, {{"1", 1}});
  store_.PublishProgress(std::make_shared<const ProgressBoard>(
      ProgressBoard{{{"prom", "q", "q", TimeKind::kSample}, At(0), At(10)},
                    {{"other", "q", "q", TimeKind::kSample}, At(0), At(10)}}));
  SampleArguments arguments;
  arguments.series.source = "prom";
  SampleCursor cursor = Open(arguments);
  EXPECT_EQ(Next(cursor, true), "started");
  EXPECT_EQ(Next(cursor, true), "1=1");
  EXPECT_EQ(Next(cursor, true), "complete");
  const auto step = cursor.Next(true, At(5000));
  ASSERT_EQ(step->kind, SubscriptionStep::Kind::kMessage);
  const auto& progress = std::get<ProgressMessage>(step->message->body);
  EXPECT_EQ(progress.send_time, At(5000));
  ASSERT_EQ(progress.queries->size(), 1u);
  EXPECT_EQ((*progress.queries)[0].query.source, "prom");
  EXPECT_EQ(Next(cursor, false), "");
}

// It is a sign of life, and says no more than what has been sent.
TEST_F(SampleCursorTest, ProgressComesAlsoWhileSamplesAreLookedFor) {
  store_.Commit({.changes = {MakeRow({})}}).value();
  Append(10, {{"1", 1}});
  SampleArguments arguments;
  arguments.series.source = "other";
  SampleCursor cursor = Open(arguments);
  EXPECT_THAT(ReadAll(cursor), ElementsAre("started", "complete"));
  EXPECT_EQ(ProgressOf(cursor.Next(true, At(5000))).sequence, Sequence(1));
  // Of a long way nothing concerns it, and it has not come to the end of that.
  for (int i = 0; i < 1000; ++i) Append(20, {{"1", 1}});
  RowSpec second;
  second.id = 2;
  store_.Commit({.changes = {MakeRow(second)}}).value();
  store_.PublishProgress(std::make_shared<const ProgressBoard>(
      ProgressBoard{{{"other", "q", "q", TimeKind::kSample}, At(0), At(10)}}));
  const ProgressMessage behind = ProgressOf(cursor.Next(true, At(6000)));
  EXPECT_EQ(behind.sequence, Sequence(1));
  EXPECT_THAT(*behind.queries, IsEmpty());
  EXPECT_THAT(ReadAll(cursor), IsEmpty());
  const ProgressMessage caught_up = ProgressOf(cursor.Next(true, At(7000)));
  EXPECT_EQ(caught_up.sequence, Sequence(2));
  EXPECT_EQ(caught_up.queries->size(), 1u);
}

// Each in a segment of its own, and further from its begin than one turn reads: with fewer segments
// known at once than there are readers each took from the others what they had read so far.
TEST_F(SampleCursorTest, ReadersInManySegmentsAllArrive) {
  constexpr int kSegments = 6;
  constexpr int kBefore = 600;
  std::vector<SampleCursor> cursors;
  SampleArguments live;
  live.live_only = true;
  for (int segment = 0; segment < kSegments; ++segment) {
    for (int i = 0; i < kBefore; ++i) Append(100 * segment, {{"1", i}});
    cursors.push_back(Open(live));
    Append(100 * segment, {{"1", kBefore}});
  }
  std::vector<size_t> samples(kSegments);
  // As the hub does: a turn of each, as long as one of them has a way to go.
  const auto has_news = [](const SampleCursor& cursor) { return cursor.HasNews(); };
  for (int turns = 0; turns < 100 && std::ranges::any_of(cursors, has_news); ++turns) {
    for (size_t i = 0; i < cursors.size(); ++i) {
      const auto step = cursors[i].Next(false, At(5000));
      ASSERT_THAT(step, IsOk());
      samples[i] += SamplesOf(*step);
    }
  }
  for (size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i], 1 + (kBefore + 1) * (kSegments - 1 - i)) << i;
  }
}

// Every message is followed by a stream that goes on behind it, also after a restart.
TEST_F(SampleCursorTest, FromEveryTokenTheRestFollowsOnceAndWhole) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  limits_.samples_max = 3;
  const auto append_some = [&](int from) {
    for (int i = from; i < from + 30; ++i) {
      std::vector<std::pair<std::string, double>> samples;
      for (uint64_t n = random() % 6; n > 0; --n) {
        samples.emplace_back(std::to_string(n), 100 * i + static_cast<int>(n));
      }
      std::vector<Gap> gaps(random() % 10 == 0 ? 2 : 0, GapOf("prom"));
      Append(900 + i, std::move(samples), std::move(gaps));
    }
  };
  append_some(0);
  std::vector<std::string> messages;
  std::vector<std::string> tokens;
  SampleCursor cursor = Open();
  const auto record = [&] {
    for (std::string text = Next(cursor); !text.empty(); text = Next(cursor)) {
      messages.push_back(text);
      tokens.push_back(cursor.Token());
    }
  };
  record();
  append_some(30);
  record();
  OpenAnew();
  for (size_t i = 0; i < tokens.size(); ++i) {
    SampleCursor resumed = Open(From(tokens[i]));
    EXPECT_EQ(Next(resumed), "started");
    // Messages may be cut at other places, or come without the mark between.
    const auto flat = [](std::vector<std::string> texts) {
      std::string all;
      for (const std::string& text : texts) all += text == "complete" ? "" : text + " ";
      return all;
    };
    const std::vector<std::string> rest(messages.begin() + static_cast<ptrdiff_t>(i) + 1,
                                        messages.end());
    const std::vector<std::string> got = ReadAll(resumed);
    EXPECT_EQ(flat(got), flat(rest)) << i;
    EXPECT_EQ(std::count(got.begin(), got.end(), "complete"),
              std::count(rest.begin(), rest.end(), "complete"));
  }
}

TEST_F(SampleCursorTest, ATokenThatDoesNotFitIsRefusedWithItsReason) {
  for (int i = 0; i < 20; ++i) Append(100 * i, {{"1", i}});
  SampleArguments live;
  live.live_only = true;
  const std::string token = Open(live).Token();
  EXPECT_THAT(TryOpen(From(token)), IsOk());

  const auto expect_refused = [&](SampleArguments arguments, absl::StatusCode code,
                                  const std::string& reason) {
    const auto refused = TryOpen(std::move(arguments));
    EXPECT_THAT(refused, StatusIs(code));
    EXPECT_EQ(ReasonOf(refused.status()), reason);
  };
  expect_refused(From("nonsense"), absl::StatusCode::kInvalidArgument, "INVALID_RESUME_TOKEN");
  SampleArguments other = From(token);
  other.series.query_name = "q";
  expect_refused(other, absl::StatusCode::kFailedPrecondition, "RESUME_TOKEN_OTHER_ARGUMENTS");

  SampleToken moved = DecodeSampleToken(token).value();
  moved.place.item = 1;
  expect_refused(From(EncodeSampleToken(moved)), absl::StatusCode::kFailedPrecondition,
                 "RESUME_TOKEN_FROM_FUTURE");
  moved = DecodeSampleToken(token).value();
  moved.store_id = "other";
  expect_refused(From(EncodeSampleToken(moved)), absl::StatusCode::kFailedPrecondition,
                 "RESUME_TOKEN_FOREIGN");
  SampleArguments wide;
  wide.snapshot_window = std::chrono::hours(1);
  const std::string old = Open(wide).Token();
  ASSERT_THAT(log_->Trim(*log_->SegmentOf(LogPosition(10))), IsOk());
  expect_refused(From(old), absl::StatusCode::kOutOfRange, "RESUME_TOKEN_TOO_OLD");
  EXPECT_THAT(TryOpen(From(token)), IsOk());
}

TEST_F(SampleCursorTest, OneThatIsTrimmedAwayUnderneathIsToldWithItsToken) {
  for (int i = 0; i < 20; ++i) Append(100 * i, {{"1", i}});
  SampleArguments wide;
  wide.snapshot_window = std::chrono::hours(1);
  SampleCursor cursor = Open(wide);
  EXPECT_EQ(Next(cursor), "started");
  const std::string token = cursor.Token();
  ASSERT_THAT(log_->Trim(*log_->SegmentOf(LogPosition(10))), IsOk());
  const auto step = cursor.Next(false, At(5000));
  EXPECT_THAT(step, StatusIs(absl::StatusCode::kResourceExhausted));
  const auto detail = DetailOf(step.status());
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "SUBSCRIBER_TOO_SLOW");
  ASSERT_EQ(detail->metadata.size(), 1u);
  EXPECT_EQ(detail->metadata[0].second, token);
  // Whoever tries the token is told the same: to begin anew without it.
  EXPECT_THAT(step, StatusIs(absl::StatusCode::kResourceExhausted, "subscribe without a token"));
  wide.resume_token = token;
  const auto refused = TryOpen(wide);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kOutOfRange, "subscribe without a token"));
  EXPECT_EQ(ReasonOf(refused.status()), "RESUME_TOKEN_TOO_OLD");
}

TEST_F(SampleCursorTest, AnyTokenIsDecodedAsItWas) {
  SampleToken token;
  token.store_id = "log";
  token.argument_hash = 7;
  token.place = {LogPosition(8), 9};
  token.snapshot_from = At(-5);
  token.snapshot_end = LogPosition(10);
  EXPECT_EQ(*DecodeSampleToken(EncodeSampleToken(token)), token);
  token = {"log", 7, SampleToken::Phase::kLive, {LogPosition(8), 9}, {}, {}};
  EXPECT_EQ(*DecodeSampleToken(EncodeSampleToken(token)), token);
}

}  // namespace
}  // namespace alertjoin

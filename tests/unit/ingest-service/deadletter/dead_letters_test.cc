#include "ingest-service/deadletter/dead_letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "ingest-service/deadletter/dead_letter_files.h"
#include "ingest-service/deadletter/dead_letter_list.h"
#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kStartMs = 1'772'359'212'345;  // 2026-03-01T10:00:12.345Z

class DeadLettersTest : public ::testing::Test {
 protected:
  void Open(uint64_t count_max = 1000, uint64_t bytes_max = 64 << 20) {
    letters_.reset();
    registry_ = std::make_unique<prometheus::Registry>();
    auto letters = DeadLetters::Open({folder_, count_max, bytes_max}, clock_, *registry_);
    ASSERT_THAT(letters, IsOk());
    letters_ = *std::move(letters);
  }
  void Keep(const std::string& reason, const std::string& body = "x") {
    letters_->Keep({clock_.Now(), "main", "/", "10.0.0.1", "", reason, "no", body});
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::vector<std::string> Lines(DeadLetterFormat format = DeadLetterFormat::kLines) const {
    std::vector<std::string> lines;
    EXPECT_THAT(
        ListDeadLetters(folder_, format, [&](std::string_view line) { lines.emplace_back(line); }),
        IsOk());
    return lines;
  }
  // The third column.
  std::vector<std::string> Reasons() const {
    std::vector<std::string> reasons;
    for (const std::string& line : Lines()) {
      const size_t begin = line.find('\t', line.find('\t') + 1) + 1;
      reasons.push_back(line.substr(begin, line.find('\t', begin) - begin));
    }
    return reasons;
  }
  double Metric(const std::string& name) const {
    for (const auto& family : registry_->Collect()) {
      if (family.name == name) return family.metric[0].counter.value + family.metric[0].gauge.value;
    }
    return -1;
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
  }

  const TemporaryFolder parent_;
  const std::string folder_ = parent_ / "dead-letters";
  ManualClock clock_{Timestamp::FromMillis(kStartMs)};
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<DeadLetters> letters_;
};

TEST_F(DeadLettersTest, EachLetterIsAFileOfItsOwn) {
  Open();
  EXPECT_THAT(Names(), IsEmpty());
  Keep("a", "{");
  Keep("b", "[[");
  clock_.Advance(Millis(1));
  Keep("c");
  EXPECT_THAT(Names(), ElementsAre("20260301T100012.345Z-0000000000.json",
                                   "20260301T100012.345Z-0000000001.json",
                                   "20260301T100012.346Z-0000000000.json"));
  EXPECT_EQ(Metric("alertjoin_dead_letters"), 3);
  EXPECT_EQ(Metric("alertjoin_dead_letters_total"), 3);
  EXPECT_EQ(Metric("alertjoin_dead_letter_failures_total"), 0);
  const auto mode = fs::status(folder_ + "/" + Names()[0]).permissions();
  EXPECT_EQ(mode, fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(DeadLettersTest, ListingShowsThemOldestFirst) {
  Open();
  Keep("a", "{");
  clock_.Advance(Millis(60'000));
  Keep("b", "[[");
  EXPECT_THAT(Lines(),
              ElementsAre("2026-03-01T10:00:12.345Z\tmain\ta\t1\t" + folder_ + "/" + Names()[0],
                          "2026-03-01T10:01:12.345Z\tmain\tb\t2\t" + folder_ + "/" + Names()[1]));
  const auto json = Lines(DeadLetterFormat::kJson);
  ASSERT_THAT(json, SizeIs(2));
  EXPECT_THAT(json[1], HasSubstr(R"("body":"[[")"));
}

TEST_F(DeadLettersTest, HostileTextStaysOneLineOfAscii) {
  Open();
  Keep("r\tr\n\x1b[31m\xff\xc2\x9b", "\x1b]0;x\x07\n\n");
  for (const auto format : {DeadLetterFormat::kLines, DeadLetterFormat::kJson}) {
    const auto lines = Lines(format);
    ASSERT_THAT(lines, SizeIs(1));
    EXPECT_TRUE(std::all_of(lines[0].begin(), lines[0].end(), [](char c) {
      return c == '\t' || (c >= 0x20 && c < 0x7f);
    })) << lines[0];
  }
  const std::string line = Lines()[0];
  EXPECT_EQ(std::count(line.begin(), line.end(), '\t'), 4) << line;
}

TEST_F(DeadLettersTest, BeyondTheCountTheOldestGo) {
  Open(3);
  for (const char* reason : {"a", "b", "c", "d", "e"}) Keep(reason);
  EXPECT_THAT(Reasons(), ElementsAre("c", "d", "e"));
  EXPECT_EQ(Metric("alertjoin_dead_letters"), 3);
  EXPECT_EQ(Metric("alertjoin_dead_letters_total"), 5);
}

TEST_F(DeadLettersTest, BeyondTheBytesTheOldestGo) {
  Open(1000, 1 << 20);
  for (int i = 0; i < 20; ++i) Keep(std::to_string(i), std::string(100'000, 'x'));
  EXPECT_THAT(Reasons(), SizeIs(10));
  EXPECT_EQ(Reasons().back(), "19");
  EXPECT_LE(Metric("alertjoin_dead_letter_bytes"), 1 << 20);
}

TEST_F(DeadLettersTest, LargestBodyIsCutAndKept) {
  Open(1000, 1 << 20);
  Keep("a");
  Keep("b", std::string(16 << 20, '\0'));
  ASSERT_THAT(Reasons(), ElementsAre("a", "b"));
  EXPECT_LE(Metric("alertjoin_dead_letter_bytes"), 1 << 20);
  EXPECT_THAT(Lines()[1], HasSubstr("\t16777216\t"));
}

TEST_F(DeadLettersTest, RestartGoesOnWithWhatIsThere) {
  Open(3);
  Keep("a");
  Keep("b");
  Open(3);
  EXPECT_EQ(Metric("alertjoin_dead_letters"), 2);
  EXPECT_GT(Metric("alertjoin_dead_letter_bytes"), 0);
  EXPECT_EQ(Metric("alertjoin_dead_letters_total"), 0);
  Keep("c");
  Keep("d");
  EXPECT_THAT(Reasons(), ElementsAre("b", "c", "d"));
  Open(2);
  EXPECT_THAT(Reasons(), ElementsAre("c", "d"));
}

TEST_F(DeadLettersTest, ClockThatIsSetBackNeitherOverwritesNorLosesTheNewest) {
  Open(2);
  Keep("a");
  clock_.Advance(Millis(-3'600'000));
  Keep("b");
  Keep("c");
  EXPECT_THAT(Reasons(), ElementsAre("b", "c"));
  EXPECT_THAT(Lines()[1], HasSubstr("2026-03-01T09:00:12.345Z"));
  Open(2);
  Keep("d");
  EXPECT_THAT(Reasons(), ElementsAre("c", "d"));
}

TEST_F(DeadLettersTest, FilesOfOthersAreLeftAlone) {
  Open(1);
  Write("notes.json", "mine");
  Write("20260301T100012.345Z-000000000x.json", "mine");
  Open(1);
  Keep("a");
  Keep("b");
  EXPECT_THAT(Names(), SizeIs(3));
  EXPECT_THAT(Reasons(), ElementsAre("b"));
}

TEST_F(DeadLettersTest, UnfinishedFileOfACrashIsNoLetter) {
  Open();
  Write("unfinished.tmp", "{\"time\":");
  Open();
  EXPECT_THAT(Lines(), IsEmpty());
  Keep("a");
  EXPECT_THAT(Names(), SizeIs(1));
}

TEST_F(DeadLettersTest, DamagedLetterIsListedAsSuch) {
  Open();
  Keep("a");
  Write(Names()[0], "{\"time\":");
  ASSERT_THAT(Lines(), SizeIs(1));
  EXPECT_THAT(Lines()[0], HasSubstr("unreadable: not a dead letter, or damaged\t-\t" + folder_));
  EXPECT_THAT(Lines(DeadLetterFormat::kJson)[0], HasSubstr(R"({"unreadable":)"));
}

TEST_F(DeadLettersTest, NoFolderIsAnEmptyList) { EXPECT_THAT(Lines(), IsEmpty()); }

TEST_F(DeadLettersTest, FailureIsCountedAndTheNextLetterIsKept) {
  Open();
  fs::remove(folder_);
  Keep("a");
  EXPECT_EQ(Metric("alertjoin_dead_letter_failures_total"), 1);
  EXPECT_EQ(Metric("alertjoin_dead_letters_total"), 0);
  EXPECT_EQ(Metric("alertjoin_dead_letters"), 0);
  fs::create_directory(folder_);
  Keep("b");
  EXPECT_THAT(Reasons(), ElementsAre("b"));
}

TEST_F(DeadLettersTest, FileInPlaceOfTheFolderIsAnError) {
  std::ofstream file(folder_);
  registry_ = std::make_unique<prometheus::Registry>();
  EXPECT_THAT(DeadLetters::Open({folder_}, clock_, *registry_),
              StatusIs(absl::StatusCode::kUnavailable, folder_));
}

TEST_F(DeadLettersTest, ManyThreadsAtOnceLoseAndOverwriteNothing) {
  Open();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < 20; ++i) Keep(std::to_string(thread) + "_" + std::to_string(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<std::string> reasons = Reasons();
  EXPECT_EQ(std::set<std::string>(reasons.begin(), reasons.end()).size(), 160u);
  EXPECT_EQ(Metric("alertjoin_dead_letters"), 160);
}

}  // namespace
}  // namespace alertjoin

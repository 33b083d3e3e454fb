#include "common/file/replace_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {
namespace {

namespace fs = std::filesystem;
using testing::UnorderedElementsAre;

class ReplaceFileTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string Text(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(Path(name), std::ios::binary).rdbuf();
    return text.str();
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  const TemporaryFolder folder_;
};

TEST_F(ReplaceFileTest, LeavesTheFileAloneInTheFolder) {
  const std::string text("a\0\n\xff", 4);
  ASSERT_THAT(ReplaceFile(Path("a"), "what was there, and longer"), IsOk());
  ASSERT_THAT(ReplaceFile(Path("a"), text), IsOk());
  EXPECT_EQ(Text("a"), text);
  ASSERT_THAT(ReplaceFile(Path("a"), ""), IsOk());
  EXPECT_EQ(Text("a"), "");
  EXPECT_THAT(Names(), UnorderedElementsAre("a"));
}

TEST_F(ReplaceFileTest, OverwritesWhatADeadProcessLeft) {
  std::ofstream(Path("a.tmp")) << "half of a longer text";
  ASSERT_THAT(ReplaceFile(Path("a"), "whole"), IsOk());
  EXPECT_EQ(Text("a"), "whole");
  EXPECT_THAT(Names(), UnorderedElementsAre("a"));
}

TEST_F(ReplaceFileTest, HasTheModeAndIsFirstWrittenUnderTheName) {
  ReplaceOptions options;
  options.unfinished = Path("other");
  options.mode = 0600;
  options.sync = false;
  fs::create_directory(Path("other"));
  EXPECT_THAT(ReplaceFile(Path("a"), "text", options),
              StatusIs(absl::StatusCode::kUnavailable, "/other: cannot be written: "));
  fs::remove(Path("other"));
  ASSERT_THAT(ReplaceFile(Path("a"), "text", options), IsOk());
  EXPECT_EQ(fs::status(Path("a")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(ReplaceFileTest, FollowsNoLinkThatWasLeftForIt) {
  std::ofstream(Path("victim")) << "dear";
  fs::create_symlink(Path("victim"), Path("a.tmp"));
  EXPECT_THAT(ReplaceFile(Path("a"), "text"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(Text("victim"), "dear");
}

TEST_F(ReplaceFileTest, ErrorNamesTheFileAndLeavesNothing) {
  EXPECT_THAT(
      ReplaceFile(Path("none/a"), "text"),
      StatusIs(absl::StatusCode::kUnavailable, "/none/a.tmp: cannot be written: No such file"));
  fs::create_directory(Path("a"));
  std::ofstream(Path("a/kept")) << "text";
  EXPECT_THAT(ReplaceFile(Path("a"), "text"),
              StatusIs(absl::StatusCode::kUnavailable, "/a: cannot be written: "));
  EXPECT_THAT(Names(), UnorderedElementsAre("a"));
}

// In a process of its own, which may write no more than that to a file.
TEST_F(ReplaceFileTest, FileThatCannotBeWrittenToItsEndReplacesNothing) {
  ASSERT_THAT(ReplaceFile(Path("a"), "before"), IsOk());
  const auto replace_when_full = [this] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {4, 4};
    setrlimit(RLIMIT_FSIZE, &limit);
    const absl::Status status = ReplaceFile(Path("a"), "longer than four");
    _exit(absl::IsUnavailable(status) ? 0 : 1);
  };
  EXPECT_EXIT(replace_when_full(), testing::ExitedWithCode(0), "");
  EXPECT_EQ(Text("a"), "before");
  EXPECT_THAT(Names(), UnorderedElementsAre("a"));
}

}  // namespace
}  // namespace alertjoin

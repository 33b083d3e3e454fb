#include "common/net/library_logs.h"

#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace alertjoin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

void FailInGrpc(const char* what) { gpr_log(GPR_ERROR, "handshake failed: %s", what); }

class LibraryLogsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_INFO);
    LogLibraries();
  }
  // What is written to the standard error meanwhile.
  template <typename Action>
  static std::string Written(const Action& action) {
    testing::internal::CaptureStderr();
    action();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LibraryLogsTest, AnErrorOfGrpcIsOneRecordOnceAMinuteWhateverItSays) {
  const std::string first = Written([] { FailInGrpc("\n level=error \"\x1b[31m"); });
  EXPECT_THAT(first, AllOf(HasSubstr("level=warn msg=\"handshake failed: "),
                           HasSubstr("library=grpc kept_back=0\n"), Not(HasSubstr("\x1b"))));
  EXPECT_EQ(std::count(first.begin(), first.end(), '\n'), 1);
  // Anybody who connects can cause it.
  EXPECT_THAT(Written([] {
                for (int i = 0; i < 1000; ++i) FailInGrpc("again");
              }),
              IsEmpty());
  EXPECT_THAT(Written([] { gpr_log(GPR_ERROR, "another place"); }), HasSubstr("another place"));
  EXPECT_THAT(Written([] { gpr_log(GPR_INFO, "of no interest"); }), IsEmpty());
}

TEST_F(LibraryLogsTest, AnErrorOfProtobufIsARecord) {
  const std::string text(100'000, 'x');
  const std::string written = Written([&] { GOOGLE_LOG(ERROR) << text; });
  EXPECT_THAT(written, AllOf(HasSubstr("level=warn msg=xxx"), HasSubstr("library=protobuf")));
  EXPECT_LT(written.size(), 1200U) << "a peer may have chosen it";
}

}  // namespace
}  // namespace alertjoin

#include "common/net/listener_rule.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using absl::StatusCode;

TEST(ListenerRule, KnowsWhatOnlyThisMachineReaches) {
  for (const char* address :
       {"127.0.0.1:9750", "127.0.0.1:0", "127.255.1.2:1", "[::1]:9750", "[::ffff:127.0.0.1]:1",
        "localhost:9750", "unix:/run/alertjoin.sock", "unix-abstract:alertjoin"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address :
       {"0.0.0.0:9750", "[::]:9750", "192.0.2.1:9750", "[2001:db8::1]:9750", "128.0.0.1:1",
        "[::ffff:192.0.2.1]:1", ":9750", "9750", "", "[]:1", "0:9750"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

ListenerShield Http() { return {.name = "HTTP", .flag = "--web.config.file"}; }
ListenerShield Grpc() {
  return {.name = "gRPC", .flag = "--grpc.config.file", .needs_client_certificates = true};
}

TEST(ListenerRule, LoopbackNeedsNothing) {
  EXPECT_THAT(CheckListener(Http(), "127.0.0.1:0"), IsOk());
  EXPECT_THAT(CheckListener(Grpc(), "[::1]:0"), IsOk());
}

TEST(ListenerRule, OthersAreRefusedWithWhatToDo) {
  const absl::Status http = CheckListener(Http(), "0.0.0.0:9752");
  EXPECT_THAT(http, StatusIs(StatusCode::kInvalidArgument, "HTTP listener 0.0.0.0:9752"));
  EXPECT_THAT(http, StatusIs(StatusCode::kInvalidArgument, "--web.config.file=FILE"));
  EXPECT_THAT(http, StatusIs(StatusCode::kInvalidArgument, "--insecure"));
  const absl::Status grpc = CheckListener(Grpc(), "0.0.0.0:9750");
  EXPECT_THAT(grpc, StatusIs(StatusCode::kInvalidArgument, "RequireAndVerifyClientCert"));
}

TEST(ListenerRule, TlsIsEnoughForHttpAndNotForGrpc) {
  ListenerShield http = Http();
  http.tls = true;
  EXPECT_THAT(CheckListener(http, "0.0.0.0:9752"), IsOk());
  ListenerShield grpc = Grpc();
  grpc.tls = true;
  EXPECT_THAT(CheckListener(grpc, "0.0.0.0:9750"),
              StatusIs(StatusCode::kInvalidArgument, "does not want certificates of its clients"));
  grpc.client_certificates = true;
  EXPECT_THAT(CheckListener(grpc, "0.0.0.0:9750"), IsOk());
}

TEST(ListenerRule, InsecureLetsEverythingPass) {
  ListenerShield grpc = Grpc();
  grpc.insecure = true;
  EXPECT_THAT(CheckListener(grpc, "0.0.0.0:9750"), IsOk());
}

}  // namespace
}  // namespace alertjoin

// How long callers wait while others hold connections: 64 that say nothing, 8 that send a byte now
// and then, 8 that do not read what they asked for.

#include <gmock/gmock.h>

#include "tests/integration/read/http_read_fixture.h"
#include "tests/support/http_crowd.h"

namespace alertjoin {
namespace {

constexpr int kRows = 20'000;
constexpr int kCalls = 300;
constexpr size_t kIdle = 64;
constexpr size_t kSlow = 8;
constexpr char kTable[] = "/api/v1/joined.csv";

// The same, for nobody else.
class QuietServer final : public HttpReadTest {
 public:
  QuietServer() {
    StartHttp();
    CommitRows(kRows);
  }
  using HttpReadTest::Call;
  using HttpReadTest::Get;

 private:
  void TestBody() override {}
};

using HttpLoadTest = HttpReadTest;

TEST_F(HttpLoadTest, IdleAndSlowClientsKeepNobodyWaiting) {
  StartHttp();
  CommitRows(kRows);
  QuietServer quiet;
  const IdleClients idle(http_->port(), kIdle);
  SlowClients slow(http_->port(), kSlow, "GET /api/v1/joined.csv HTTP/1.1\r\nX: ");
  const SlowClients not_reading(http_->port(), kSlow, GetRequest(kTable));
  WaitTimes health;
  WaitTimes lists;
  for (int i = 0; i < kCalls; ++i) {
    slow.Go();
    health.Measure([&] { return Get("/-/healthy").status; },
                   [&] { return quiet.Get("/-/healthy").status; });
    lists.Measure([&] { return Call("ListJoinedRows", "{}").status; },
                  [&] { return quiet.Call("ListJoinedRows", "{}").status; });
  }
  health.ExpectNobodyWaits("health");
  lists.ExpectNobodyWaits("lists");
}

}  // namespace
}  // namespace alertjoin

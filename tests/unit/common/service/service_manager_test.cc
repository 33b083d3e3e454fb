#include "common/service/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/net/unique_fd.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {
namespace {

using std::chrono::microseconds;

// The end of the socket that systemd holds.
class ServiceManager : public testing::Test {
 protected:
  ~ServiceManager() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }

  void ListenAt(const std::string& socket_name) {
    socket_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_name.data(), socket_name.size());
    if (socket_name.front() == '@') address.sun_path[0] = '\0';
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_name.size());
    ASSERT_EQ(0, ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), bytes))
        << std::strerror(errno);
    setenv("NOTIFY_SOCKET", socket_name.c_str(), 1);
  }

  // The next message, empty when there is none.
  std::string Heard() {
    std::array<char, 256> text{};
    const ssize_t bytes = ::recv(socket_.get(), text.data(), text.size(), 0);
    return bytes > 0 ? std::string(text.data(), static_cast<size_t>(bytes)) : "";
  }

  TemporaryFolder folder_;

 private:
  UniqueFd socket_;
};

TEST_F(ServiceManager, HearsEachWordAsOneMessage) {
  ListenAt(folder_ / "notify");
  TellReady();
  TellAlive();
  TellStopping();
  EXPECT_EQ("READY=1", Heard());
  EXPECT_EQ("WATCHDOG=1", Heard());
  EXPECT_EQ("STOPPING=1", Heard());
  EXPECT_EQ("", Heard());
}

TEST_F(ServiceManager, MayHaveASocketWithoutAPath) {
  ListenAt("@alertjoin-test-" + std::to_string(getpid()));
  TellReady();
  EXPECT_EQ("READY=1", Heard());
}

TEST_F(ServiceManager, HearsWhenAReloadBegan) {
  ListenAt(folder_ / "notify");
  TellReloading();
  const std::string heard = Heard();
  const std::string expected = "RELOADING=1\nMONOTONIC_USEC=";
  ASSERT_EQ(expected, heard.substr(0, expected.size()));
  EXPECT_GT(std::stoll(heard.substr(expected.size())), 0);
}

TEST_F(ServiceManager, IsNotNeeded) {
  TellReady();
  for (const std::string& nowhere : {folder_ / "nobody", std::string("not a socket"), std::string(),
                                     "/" + std::string(500, 'x')}) {
    setenv("NOTIFY_SOCKET", nowhere.c_str(), 1);
    TellReady();
  }
  EXPECT_EQ(std::nullopt, AliveInterval());
}

TEST_F(ServiceManager, IsToldTwiceAsOftenAsItWants) {
  setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(microseconds(15'000'000), AliveInterval());
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(microseconds(15'000'000), AliveInterval());
  setenv("WATCHDOG_PID", std::to_string(getppid()).c_str(), 1);  // Meant for another process.
  EXPECT_EQ(std::nullopt, AliveInterval());
}

TEST_F(ServiceManager, IsNotWatchingWhenItSaysNoTime) {
  for (const char* text : {"", "0", "-5", "soon", "30000000 "}) {
    setenv("WATCHDOG_USEC", text, 1);
    EXPECT_EQ(std::nullopt, AliveInterval()) << text;
  }
}

}  // namespace
}  // namespace alertjoin

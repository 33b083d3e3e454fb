#include "tests/integration/prometheus/prometheus_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <vector>

#include "common/status/status.h"
#include "ingest-service/prometheus/curl_http_transport.h"
#include "tests/integration/prometheus/awaited_answer.h"

namespace alertjoin {
namespace {

constexpr char kBinary[] = "/usr/bin/prometheus";

// A port that nobody listens on at the moment.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof(address);
  CHECK(bind(fd, generic, length) == 0 && getsockname(fd, generic, &length) == 0);
  close(fd);
  return ntohs(address.sin_port);
}

// Asks once; does not wait in between, since a refused connection costs nothing.
bool IsReady(HttpTransport& transport, const std::string& url) {
  HttpCall call;
  call.lane = "ready";
  call.url = url + "/-/ready";
  call.timeout = std::chrono::seconds(2);
  AwaitedAnswer<HttpAnswer> answer;
  transport.Start(call, answer.Callback());
  const auto got = answer.Get();
  return got.ok() && got->code == 200;
}

}  // namespace

bool PrometheusProcess::IsInstalled() { return access(kBinary, X_OK) == 0; }

PrometheusProcess::~PrometheusProcess() { Kill(); }

absl::Status PrometheusProcess::Start(int target_port, const std::string& scrape_interval) {
  std::ofstream(folder_ / "prometheus.yml") << fmt::format(
      "global: {{scrape_interval: {0}, scrape_timeout: {0}, evaluation_interval: {0}}}\n"
      "scrape_configs:\n"
      "  - {{job_name: demo, static_configs: [{{targets: ['127.0.0.1:{1}']}}]}}\n",
      scrape_interval, target_port);
  CurlHttpTransport transport;
  // The port may be taken by someone else before Prometheus has it.
  for (int attempt = 0; attempt < 3; ++attempt) {
    Spawn(folder_ / "prometheus.yml");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < deadline) {
      if (IsReady(transport, url())) return absl::OkStatus();
      if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = 0;
        break;
      }
    }
    Kill();
  }
  return absl::UnavailableError("prometheus does not start: " + folder_ / "log");
}

void PrometheusProcess::Spawn(const std::string& config) {
  port_ = FreePort();
  std::vector<std::string> arguments = {
      kBinary, "--config.file=" + config, "--storage.tsdb.path=" + folder_ / "data",
      fmt::format("--web.listen-address=127.0.0.1:{}", port_), "--log.level=warn"};
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const std::string log = folder_ / "log";
  pid_ = fork();
  CHECK(pid_ >= 0);
  if (pid_ > 0) return;
  // The child: only what is safe after a fork.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  execv(kBinary, argv.data());
  _exit(127);
}

void PrometheusProcess::Kill() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

}  // namespace alertjoin

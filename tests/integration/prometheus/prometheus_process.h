#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {

// A real Prometheus server of this machine, with a configuration of the test's and data in a
// temporary folder. Ends, and leaves nothing behind, with the object.
class PrometheusProcess {
 public:
  PrometheusProcess() = default;
  ~PrometheusProcess();
  PrometheusProcess(const PrometheusProcess&) = delete;
  PrometheusProcess& operator=(const PrometheusProcess&) = delete;

  static bool IsInstalled();

  // Starts it scraping 127.0.0.1:`target_port` as job "demo" every `scrape_interval` ("500ms"), and
  // waits until it answers.
  absl::Status Start(int target_port, const std::string& scrape_interval);

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void Spawn(const std::string& config);
  void Kill();

  const TemporaryFolder folder_;
  int port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace alertjoin

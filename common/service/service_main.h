#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace alertjoin {

// What the two services' main functions have in common.
struct Service {
  std::string name;
  std::string description;
  // Reads and checks the configuration file, starting nothing.
  std::function<absl::Status(const std::string& config_file)> check;
  // Runs the service until `wait_for_stop` returns (SIGINT or SIGTERM came), then stops it in
  // order. An error means that it could not start or had to give up.
  std::function<absl::Status(const std::string& config_file,
                             const std::function<void()>& wait_for_stop)>
      run;
};

// Parses the command line (--config.file=FILE, --log.level=LEVEL, --version, --help, and the
// subcommand check-config), blocks the signals of stopping in every thread to come, and runs the
// service. Gives the exit status: 0, 1 for an error (logged), 2 for a wrong command line.
int ServiceMain(int argc, char** argv, const Service& service);

// Ends `wait_for_stop` as SIGTERM does. From any thread; does not wait.
void RequestStop();

}  // namespace alertjoin

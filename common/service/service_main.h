#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace alertjoin {

// A subcommand of a service besides check-config: it does something with the configuration file
// instead of running the service, which may run meanwhile.
struct ServiceCommand {
  std::string name;
  std::string description;
  // The switches it takes, such as "--json", each with its meaning.
  std::vector<std::pair<std::string, std::string>> switches;
  // Does it and writes to standard output. `given` holds the switches that the command line has.
  std::function<absl::Status(const std::string& config_file, const std::set<std::string>& given)>
      run;
};

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
  std::vector<ServiceCommand> commands;
};

// Parses the command line (--config.file=FILE, --log.level=LEVEL, --version, --help, and the
// subcommands: check-config and the service's own), blocks the signals of stopping in every thread
// to come, and runs the service. Gives the exit status: 0, 1 for an error (logged; that of a
// subcommand goes to standard error as it is), 2 for a wrong command line.
int ServiceMain(int argc, char** argv, const Service& service);

// Whether `wait_for_stop` would return at once. For long work before it is called.
bool StopRequested();

// Ends `wait_for_stop` as SIGTERM does. From any thread; does not wait.
void RequestStop();

}  // namespace alertjoin

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/service/listener_flags.h"

namespace alertjoin {

// What the command line gives a subcommand.
struct CommandArguments {
  std::string config_file;
  std::set<std::string> switches;
  // The values of each option that was given, in their order.
  std::map<std::string, std::vector<std::string>> options = {};

  bool Has(const std::string& name) const { return switches.contains(name); }
  // The last value of the option.
  std::optional<std::string> Get(const std::string& name) const {
    const auto given = options.find(name);
    if (given == options.end()) return std::nullopt;
    return given->second.back();
  }
  std::vector<std::string> All(const std::string& name) const {
    const auto given = options.find(name);
    return given == options.end() ? std::vector<std::string>() : given->second;
  }
};

// Prints a line of what a subcommand has to say.
using PrintLine = std::function<void(std::string_view line)>;

// A subcommand of a service besides check-config and print-config: it does something with the
// configuration file instead of running the service, which may run meanwhile.
struct ServiceCommand {
  std::string name;
  std::string description;
  // The switches it takes, such as "--json", each with its meaning.
  std::vector<std::pair<std::string, std::string>> switches;
  // Does it and writes to standard output.
  std::function<absl::Status(const CommandArguments& arguments)> run;
  // An option with a value, such as "--from TIME".
  struct Option {
    std::string name;
    std::string value;  // What to write for it in the help: "TIME".
    std::string meaning;
    bool required = false;
  };
  std::vector<Option> options = {};
};

// Returns when SIGINT or SIGTERM has come. Until then it calls `reload` for each SIGHUP, those that
// came before, too, as one.
using WaitForStop = std::function<void(const std::function<void()>& reload)>;

// What the two services' main functions have in common.
struct Service {
  std::string name;
  std::string description;
  // Reads and checks the configuration file, starting nothing.
  std::function<absl::Status(const std::string& config_file)> check;
  // Asks the servers that the configuration names, which has been checked. Prints a line for each
  // thing that it asks, and fails when anything did.
  std::function<absl::Status(const std::string& config_file, const PrintLine& print)> check_online;
  // The configuration as it holds, as YAML, without secrets.
  std::function<absl::StatusOr<std::string>(const std::string& config_file)> show;
  // Runs the service until `wait_for_stop` returns, then stops it in order. An error means that it
  // could not start or had to give up.
  std::function<absl::Status(const std::string& config_file, const WaitForStop& wait_for_stop)> run;
  std::vector<ServiceCommand> commands;
  bool has_grpc_listener = false;
  // Filled from the command line before anything of the above is called.
  std::shared_ptr<ListenerFlags> listeners = std::make_shared<ListenerFlags>();
};

// Parses the command line (--config.file=FILE, --log.level=LEVEL, --log.format=FORMAT, --version,
// --help, and the subcommands: check-config [--online], print-config and the service's own), blocks
// the signals of stopping in every thread to come, and runs the service. Gives the exit status: 0,
// 1 for an error (logged; that of a subcommand goes to standard error as it is), 2 for a wrong
// command line, which an unknown flag is, too.
int ServiceMain(int argc, char** argv, const Service& service);

// Whether `wait_for_stop` would return at once. For long work before it is called.
bool StopRequested();

// Ends `wait_for_stop` as SIGTERM does. From any thread; does not wait.
void RequestStop();

}  // namespace alertjoin

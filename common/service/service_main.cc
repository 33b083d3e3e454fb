#include "common/service/service_main.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <thread>

#include "common/log/log.h"
#include "common/log/log_format.h"
#include "common/net/library_logs.h"
#include "common/service/build_info.h"
#include "common/service/log_config.h"
#include "common/service/service_manager.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr rlim_t kOpenFilesWanted = 65'536;
constexpr unsigned kArenasMax = 8;

const std::map<std::string, LogFormat> kLogFormats{{"logfmt", LogFormat::kLogfmt},
                                                   {"json", LogFormat::kJson}};

constexpr char kOnline[] = "--online";

struct Arguments {
  std::string log_level = "info";
  std::string log_format = "logfmt";
  const ServiceCommand* command = nullptr;  // Null: none of the service's own.
  CommandArguments given;                   // The configuration file whatever the command.
};

// As many open files as the machine allows, since connections must not take those of the logs. Many
// systems give 1,024 to who does not ask.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kOpenFilesWanted) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kOpenFilesWanted);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < kOpenFilesWanted) {
    LogWarn("few files may be open: many connections could take those of the logs",
            {{"limit", std::to_string(limit.rlim_cur)}});
  }
}

// glibc makes up to eight arenas per processor, and each keeps what was freed in it: where most
// threads wait most of the time, memory that lies idle. The environment has the last word.
void BoundArenas() {
  if (std::getenv("MALLOC_ARENA_MAX") != nullptr || std::getenv("GLIBC_TUNABLES") != nullptr)
    return;
  const unsigned arenas = std::clamp(2 * std::thread::hardware_concurrency(), 2U, kArenasMax);
  if (mallopt(M_ARENA_MAX, static_cast<int>(arenas)) == 0) LogDebug("malloc keeps its arenas");
}

// Signals are taken by the thread that waits for them, never by a handler.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
  // A peer that hangs up must not end the process.
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Waits for one of the signals, and tells systemd meanwhile, if it wants to know, that the process
// still runs.
int AwaitSignal(const sigset_t& signals) {
  const auto interval = AliveInterval();
  if (!interval.has_value()) {
    int taken = 0;
    CHECK(sigwait(&signals, &taken) == 0);
    return taken;
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*interval);
  const timespec timeout{static_cast<time_t>(seconds.count()),
                         static_cast<long>(std::chrono::nanoseconds(*interval - seconds).count())};
  while (true) {
    TellAlive();
    const int taken = sigtimedwait(&signals, nullptr, &timeout);
    if (taken > 0) return taken;
    CHECK(errno == EAGAIN || errno == EINTR);
  }
}

void ToStandardOutput(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

ServiceCommand CheckConfigCommand(const Service& service) {
  return {"check-config",
          "Check the configuration file and exit",
          {{kOnline, "Ask the servers that it names, too, and try each query"}},
          [&service](const CommandArguments& arguments) -> absl::Status {
            RETURN_IF_ERROR(service.check(arguments.config_file));
            ToStandardOutput(arguments.config_file + ": OK");
            if (!arguments.Has(kOnline)) return absl::OkStatus();
            return service.check_online(arguments.config_file, ToStandardOutput);
          }};
}

ServiceCommand PrintConfigCommand(const Service& service) {
  return {"print-config",
          "Print the configuration as it holds, with all defaults and without secrets, and exit",
          {},
          [&service](const CommandArguments& arguments) -> absl::Status {
            ASSIGN_OR_RETURN(const std::string text, service.show(arguments.config_file));
            std::fputs(text.c_str(), stdout);
            return absl::OkStatus();
          }};
}

int Run(const Service& service, const Arguments& arguments) {
  SetDefaultLogLevel(LogLevels().at(arguments.log_level));
  SetLogFormat(kLogFormats.at(arguments.log_format));
  LogLibraries();
  if (arguments.command != nullptr) {
    const absl::Status status = arguments.command->run(arguments.given);
    if (!status.ok()) std::fprintf(stderr, "%s\n", MessageOf(status).c_str());
    return status.ok() ? 0 : 1;
  }
  BoundArenas();
  RaiseFileLimit();
  const sigset_t signals = BlockSignals();
  const auto wait_for_stop = [&signals](const std::function<void()>& reload) {
    TellReady();
    int taken = AwaitSignal(signals);
    for (; taken == SIGHUP; taken = AwaitSignal(signals)) {
      TellReloading();
      reload();
      TellReady();
    }
    TellStopping();
    LogInfo("stopping", {{"signal", taken == SIGINT ? "SIGINT" : "SIGTERM"}});
  };
  const absl::Status status = service.run(arguments.given.config_file, wait_for_stop);
  if (status.ok()) {
    LogInfo("stopped");
    return 0;
  }
  LogError("cannot go on", {{"error", MessageOf(status)}});
  return 1;
}

void AddCommand(const ServiceCommand& command, CLI::App& app, Arguments& arguments) {
  CLI::App* const added = app.add_subcommand(command.name, command.description)->fallthrough();
  for (const auto& [name, meaning] : command.switches) added->add_flag(name, meaning);
  for (const ServiceCommand::Option& option : command.options) {
    added->add_option(option.name, option.meaning)
        ->required(option.required)
        ->type_name(option.value)
        ->expected(1)
        ->take_all();
  }
  added->callback([&command, added, &arguments] {
    arguments.command = &command;
    for (const auto& [name, meaning] : command.switches) {
      if (added->count(name) > 0) arguments.given.switches.insert(name);
    }
    for (const ServiceCommand::Option& option : command.options) {
      const auto values = added->get_option(option.name)->results();
      if (!values.empty()) arguments.given.options[option.name] = values;
    }
  });
}

}  // namespace

bool StopRequested() {
  sigset_t pending;
  CHECK(sigpending(&pending) == 0);
  return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

void RequestStop() { kill(getpid(), SIGTERM); }

int ServiceMain(int argc, char** argv, const Service& service) {
  Arguments arguments;
  CLI::App app(service.description, service.name);
  app.set_version_flag("--version", VersionText(service.name));
  app.add_option("--config.file", arguments.given.config_file, "Configuration file (YAML)")
      ->required()
      ->type_name("FILE");
  app.add_option("--log.level", arguments.log_level, "What is logged at least")
      ->check(CLI::IsMember(&LogLevels()))
      ->type_name("LEVEL")
      ->capture_default_str();
  app.add_option("--web.config.file", service.listeners->web_config_file,
                 "Security file of the HTTP listener (YAML): TLS, users, tokens, roles")
      ->type_name("FILE");
  if (service.has_grpc_listener) {
    app.add_option("--grpc.config.file", service.listeners->grpc_config_file,
                   "Security file of the gRPC listener (YAML), with the same keys")
        ->type_name("FILE");
  }
  app.add_option("--web.host-name", service.listeners->web_host_names,
                 "A name that the HTTP listener is asked by, besides localhost and addresses, as "
                 "a proxy before it may do; can be given more than once")
      ->type_name("NAME");
  app.add_flag("--insecure", service.listeners->insecure,
               "Listen without TLS on addresses that others than this machine reach: everyone who "
               "reaches them may do everything");
  app.add_option("--log.format", arguments.log_format, "How log records are written")
      ->check(CLI::IsMember(&kLogFormats))
      ->type_name("FORMAT")
      ->capture_default_str();
  std::vector<ServiceCommand> commands = {CheckConfigCommand(service), PrintConfigCommand(service)};
  commands.insert(commands.end(), service.commands.begin(), service.commands.end());
  for (const ServiceCommand& command : commands) AddCommand(command, app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return Run(service, arguments);
}

}  // namespace alertjoin

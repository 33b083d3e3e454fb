#include <cstdio>
#include <set>
#include <string>
#include <string_view>

#include "common/service/listener_check.h"
#include "common/service/service_main.h"
#include "common/status/status.h"
#include "ingest-service/app/backfill_command.h"
#include "ingest-service/app/ingest_app.h"
#include "ingest-service/app/ingest_config.h"
#include "ingest-service/app/online_check.h"
#include "ingest-service/deadletter/dead_letter_list.h"

namespace alertjoin {
namespace {

constexpr char kJsonSwitch[] = "--json";

absl::Status PrintDeadLetters(const CommandArguments& arguments) {
  ASSIGN_OR_RETURN(const IngestConfig config, ReadIngestConfig(arguments.config_file));
  const auto format =
      arguments.Has(kJsonSwitch) ? DeadLetterFormat::kJson : DeadLetterFormat::kLines;
  return ListDeadLetters(DeadLetterFolderOf(config), format, [](std::string_view line) {
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  });
}

ServiceCommand DeadLettersCommand() {
  return {"dead-letters",
          "List the bodies that could never be taken, newest last, and exit: time, source, reason, "
          "bytes and file",
          {{kJsonSwitch, "Print all that is kept of each, as JSON, one per line"}},
          PrintDeadLetters};
}

}  // namespace
}  // namespace alertjoin

int main(int argc, char** argv) {
  using namespace alertjoin;
  Service service;
  service.name = "ingest-service";
  service.description =
      "Takes alerts by webhook, polls metrics, and streams both to correlator-service.";
  service.show = ShowIngestConfig;
  service.check_online = [](const std::string& path, const PrintLine& print) -> absl::Status {
    ASSIGN_OR_RETURN(const IngestConfig config, ReadIngestConfig(path));
    return CheckOnline(config, print);
  };
  service.check = [listeners = service.listeners](const std::string& path) -> absl::Status {
    ASSIGN_OR_RETURN(const IngestConfig config, ReadIngestConfig(path));
    return CheckHttpListener(*listeners, config.http_listen_address);
  };
  service.run = [listeners = service.listeners](const std::string& path,
                                                const WaitForStop& wait_for_stop) -> absl::Status {
    const auto read = [path, listeners]() -> absl::StatusOr<IngestConfig> {
      ASSIGN_OR_RETURN(IngestConfig config, ReadIngestConfig(path));
      config.listeners = *listeners;
      return config;
    };
    ASSIGN_OR_RETURN(const IngestConfig config, read());
    ASSIGN_OR_RETURN(const auto app, IngestApp::Start(config, read));
    wait_for_stop([&app] { app->Reload().IgnoreError(); });
    app->Stop();
    return app->health();
  };
  service.commands = {DeadLettersCommand(), BackfillCommand()};
  return ServiceMain(argc, argv, service);
}

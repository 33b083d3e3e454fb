#include "common/service/listener_check.h"
#include "common/service/service_main.h"
#include "common/status/status.h"
#include "correlator-service/app/correlator_app.h"
#include "correlator-service/app/correlator_config.h"
#include "correlator-service/app/new_store_id_command.h"
#include "correlator-service/app/payloads_command.h"
#include "correlator-service/app/verify_command.h"

int main(int argc, char** argv) {
  using namespace alertjoin;
  Service service;
  service.name = "correlator-service";
  service.description =
      "Joins alert transitions with the metric values at their moment and serves the joined rows.";
  service.show = ShowCorrelatorConfig;
  service.check_online = [](const std::string&, const PrintLine& print) {
    print("correlator-service asks no other server");
    return absl::OkStatus();
  };
  service.check = [listeners = service.listeners](const std::string& path) -> absl::Status {
    ASSIGN_OR_RETURN(const CorrelatorConfig config, ReadCorrelatorConfig(path));
    RETURN_IF_ERROR(CheckHttpListener(*listeners, config.http_listen_address));
    return CheckGrpcListener(*listeners, config.grpc_listen_address);
  };
  service.run = [listeners = service.listeners](const std::string& path,
                                                const WaitForStop& wait_for_stop) -> absl::Status {
    const auto read = [path, listeners]() -> absl::StatusOr<CorrelatorConfig> {
      ASSIGN_OR_RETURN(CorrelatorConfig config, ReadCorrelatorConfig(path));
      config.listeners = *listeners;
      return config;
    };
    ASSIGN_OR_RETURN(const CorrelatorConfig config, read());
    ASSIGN_OR_RETURN(const auto app, CorrelatorApp::Start(config, read));
    wait_for_stop([&app] { app->Reload().IgnoreError(); });
    app->Stop();
    return app->health();
  };
  service.has_grpc_listener = true;
  service.commands = {VerifyCommand(), PayloadsCommand(), NewStoreIdCommand()};
  return ServiceMain(argc, argv, service);
}

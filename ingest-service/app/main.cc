#include "common/service/service_main.h"
#include "common/status/status.h"
#include "ingest-service/app/ingest_app.h"
#include "ingest-service/app/ingest_config.h"

int main(int argc, char** argv) {
  using namespace alertjoin;
  Service service;
  service.name = "ingest-service";
  service.description =
      "Takes alerts by webhook, polls metrics, and streams both to correlator-service.";
  service.check = [](const std::string& path) { return ReadIngestConfig(path).status(); };
  service.run = [](const std::string& path,
                   const std::function<void()>& wait_for_stop) -> absl::Status {
    ASSIGN_OR_RETURN(const IngestConfig config, ReadIngestConfig(path));
    ASSIGN_OR_RETURN(const auto app, IngestApp::Start(config));
    wait_for_stop();
    app->Stop();
    return app->health();
  };
  return ServiceMain(argc, argv, service);
}

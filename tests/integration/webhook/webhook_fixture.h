#pragma once

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/eventlog/memory_event_log.h"
#include "common/net/http_server.h"
#include "common/sync/mutex.h"
#include "ingest-service/alertmanager/webhook.h"
#include "ingest-service/deadletter/dead_letters.h"
#include "ingest-service/intake/transition_intake.h"
#include "ingest-service/spool/spool.h"
#include "tests/support/acknowledging_uplink.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {

// Binds every alert with a query named as the alert.
class NameBinder final : public Binder {
 public:
  std::vector<Binding> Bind(const TransitionEvent& event) const override;
};

class RecordingListener final : public TransitionListener {
 public:
  // Called by the thread that tells, before they count. Set it while nobody does.
  std::function<void(std::span<const TransitionEvent>)> on_told;

  void OnTransitions(std::span<const TransitionEvent> transitions) override;
  size_t count() const;

 private:
  mutable Mutex mutex_;
  size_t count_ GUARDED_BY(mutex_) = 0;
};

// A webhook as ingest-service has it, over HTTP on a free port: the real server, decoder and spool,
// and a stand-in for what lies beyond the spool.
class WebhookFixture : public testing::Test {
 protected:
  struct Setup {
    uint64_t spool_bytes_max = 256 << 20;
    size_t body_bytes_max = 1 << 20;
    uint64_t dead_letters_max = 1000;
    std::map<std::string, SenderAuthOptions> auth = {};
  };
  void Start(const Setup& setup);
  std::string dead_letter_folder() const { return folder_ / "dead-letters"; }
  void TearDown() override;

  // The answer to one request on a connection of its own; status 0 when there is none.
  RawHttpResponse Ask(std::string_view request);
  // The transitions that the spool has been given since the last call. Waits until the stand-in has
  // acknowledged all of them, and leaves in raw_payloads_ what they were made of.
  std::vector<TransitionEvent> TakeTransitions();
  // A valid notification is taken on a new connection: nothing before it blocks.
  void ExpectNextIsTaken();
  // What is kept of bodies that could never be taken, oldest first, parsed.
  std::vector<nlohmann::json> DeadLetterFiles() const;
  // The value of a metric line, such as `alertjoin_x_total{a="b"}`; "" when there is none.
  std::string Metric(const std::string& series);

  prometheus::Registry registry_;
  NameBinder binder_;
  RecordingListener listener_;
  std::unique_ptr<MemoryEventLog> log_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<AcknowledgingUplink> uplink_;
  const TemporaryFolder folder_;
  std::unique_ptr<DeadLetters> dead_letters_;
  std::unique_ptr<TransitionIntake> intake_;
  std::unique_ptr<Webhook> webhook_;
  std::unique_ptr<HttpServer> server_;
  std::vector<RawPayload> raw_payloads_;
};

// The JSON text of a notification of the alerts, version 4.
std::string NotificationOf(std::string_view alerts);
// The JSON text of one firing alert called `name`, with further members.
std::string FiringAlert(std::string_view name, std::string_view members = "");

}  // namespace alertjoin

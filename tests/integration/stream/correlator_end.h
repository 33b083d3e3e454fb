#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/net/grpc_server.h"
#include "common/sync/bounded_queue.h"
#include "correlator-service/intake/ingest_service_impl.h"
#include "tests/support/manual_clock.h"

namespace alertjoin {

// A sink with a thread of its own, as the pipeline has: applies at once, or holds until told.
// Records what it took and what it applied. Thread-safe.
class FakeSink final : public EventSink {
 public:
  FakeSink();
  ~FakeSink() override;

  bool TryPush(IntakeBatch&& batch) override;

  void Hold() { SetHold(true); }
  void Release() { SetHold(false); }
  void SetFull(bool full);

  // Waits until `count` events have been taken. False after half a minute.
  bool WaitTaken(size_t count);
  // Fingerprints of the alerts, in order of arrival; "samples" and so on for other events.
  std::vector<std::string> Taken();
  // The most events that were ever taken and not applied.
  size_t waiting_max();

 private:
  void SetHold(bool hold);
  void Run();

  Mutex mutex_;
  CondVar changed_;
  std::vector<IntakeBatch> queue_ GUARDED_BY(mutex_);
  std::vector<std::string> taken_ GUARDED_BY(mutex_);
  size_t applied_ GUARDED_BY(mutex_) = 0;
  size_t waiting_max_ GUARDED_BY(mutex_) = 0;
  bool hold_ GUARDED_BY(mutex_) = false;
  bool full_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// The correlator's end of the stream: the real service in a real server, over the given sink.
class CorrelatorEnd {
 public:
  explicit CorrelatorEnd(FakeSink& sink, IntakeOptions options = {});
  ~CorrelatorEnd();

  // Serves on the port of last time, or on a free one the first time.
  void Serve();
  // The server is gone, streams are cut; what the service knows is kept.
  void CutServer();
  // Streams end as they do when the correlator stops; server and service are gone.
  void StopGracefully();
  // A correlator that knows nothing, with another store id. REQUIRES: no server.
  void ForgetEverything();

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // 0 when there is no such value.
  double Metric(const std::string& name, const std::string& label_value = "");
  IngestServiceImpl& service() { return *service_; }

 private:
  FakeSink& sink_;
  const IntakeOptions options_;
  ManualClock clock_{Timestamp::FromMillis(1'772'000'000'000)};
  int stores_ = 0;
  int port_ = 0;
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<IngestServiceImpl> service_;
  std::unique_ptr<grpc::Server> server_;
};

// The value of a counter or gauge; with `label_value`, of the one that has it as a label.
double MetricOf(const prometheus::Registry& registry, const std::string& name,
                const std::string& label_value);

}  // namespace alertjoin

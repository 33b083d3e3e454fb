#include "tests/integration/stream/correlator_end.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace alertjoin {
namespace {

constexpr std::chrono::seconds kPatience(30);

std::string NameOf(const Event& event) {
  if (const auto* alert = TransitionOf(event)) return alert->fingerprint;
  return std::holds_alternative<SampleBatch>(event) ? "samples" : "other";
}

}  // namespace

FakeSink::FakeSink() : thread_([this] { Run(); }) {}

FakeSink::~FakeSink() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

bool FakeSink::TryPush(IntakeBatch&& batch) {
  {
    MutexLock lock(mutex_);
    if (full_) return false;
    for (const Event& event : batch.events) taken_.push_back(NameOf(event));
    waiting_max_ = std::max(waiting_max_, taken_.size() - applied_);
    queue_.push_back(std::move(batch));
  }
  changed_.NotifyAll();
  return true;
}

void FakeSink::SetHold(bool hold) {
  {
    MutexLock lock(mutex_);
    hold_ = hold;
  }
  changed_.NotifyAll();
}

void FakeSink::SetFull(bool full) {
  MutexLock lock(mutex_);
  full_ = full;
}

bool FakeSink::WaitTaken(size_t count) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  MutexLock lock(mutex_);
  while (taken_.size() < count) {
    if (!changed_.WaitUntil(mutex_, deadline)) break;
  }
  return taken_.size() >= count;
}

std::vector<std::string> FakeSink::Taken() {
  MutexLock lock(mutex_);
  return taken_;
}

size_t FakeSink::waiting_max() {
  MutexLock lock(mutex_);
  return waiting_max_;
}

void FakeSink::Run() {
  for (;;) {
    std::vector<IntakeBatch> round;
    {
      MutexLock lock(mutex_);
      while (!stopped_ && (queue_.empty() || hold_)) changed_.Wait(mutex_);
      if (stopped_) return;
      round.swap(queue_);
      for (const IntakeBatch& batch : round) applied_ += batch.events.size();
    }
    for (const IntakeBatch& batch : round) batch.durable();
  }
}

CorrelatorEnd::CorrelatorEnd(FakeSink& sink, IntakeOptions options)
    : sink_(sink), options_(options) {
  ForgetEverything();
  Serve();
}

CorrelatorEnd::~CorrelatorEnd() { StopGracefully(); }

void CorrelatorEnd::Serve() {
  GrpcServerOptions options;
  options.listen_address = address();
  options.services = {service_.get()};
  options.registry = registry_.get();
  options.service_names = {v1::IngestService::service_full_name()};
  auto running = StartGrpcServer(options);
  ASSERT_TRUE(running.ok()) << running.status();
  server_ = std::move(running->server);
  port_ = running->port;
}

void CorrelatorEnd::CutServer() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void CorrelatorEnd::StopGracefully() {
  if (service_ == nullptr) return;
  service_->Stop();
  if (server_ != nullptr) {
    // Were a stream left open, this would cut it after half a minute only.
    server_->Shutdown(std::chrono::system_clock::now() + kPatience);
    server_->Wait();
    server_.reset();
  }
  service_.reset();
}

void CorrelatorEnd::ForgetEverything() {
  service_.reset();
  registry_ = std::make_unique<prometheus::Registry>();
  service_ = std::make_unique<IngestServiceImpl>(sink_, "store-" + std::to_string(++stores_),
                                                 clock_, *registry_, options_);
}

double CorrelatorEnd::Metric(const std::string& name, const std::string& label_value) {
  return MetricOf(*registry_, name, label_value);
}

double MetricOf(const prometheus::Registry& registry, const std::string& name,
                const std::string& label_value) {
  for (const auto& family : registry.Collect()) {
    if (family.name != name) continue;
    for (const auto& metric : family.metric) {
      const bool wanted =
          label_value.empty() || std::any_of(metric.label.begin(), metric.label.end(),
                                             [&](const auto& l) { return l.value == label_value; });
      if (wanted) return metric.counter.value + metric.gauge.value;
    }
  }
  return 0;
}

}  // namespace alertjoin

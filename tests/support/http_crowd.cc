#include "tests/support/http_crowd.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace alertjoin {
namespace {

double SecondsOf(const WaitTimes::Call& call) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(call(), 200);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Percentile99(std::vector<double> seconds) {
  std::ranges::sort(seconds);
  return seconds.at(seconds.size() * 99 / 100);
}

}  // namespace

IdleClients::IdleClients(int port, size_t count)
    : thread_([this, port, count] { Run(port, count); }) {}

IdleClients::~IdleClients() {
  {
    MutexLock lock(mutex_);
    done_ = true;
  }
  thread_.join();
}

void IdleClients::Run(int port, size_t count) {
  const auto goes_on = [this] {
    MutexLock lock(mutex_);
    return !done_;
  };
  while (goes_on()) {
    std::vector<std::unique_ptr<RawHttpClient>> clients;
    for (size_t i = 0; i < count; ++i) clients.push_back(std::make_unique<RawHttpClient>(port));
    for (auto& client : clients) {
      if (goes_on()) client->ServerCloses();
    }
  }
}

SlowClients::SlowClients(int port, size_t count, std::string_view begin) {
  for (size_t i = 0; i < count; ++i) {
    clients_.push_back(std::make_unique<RawHttpClient>(port));
    EXPECT_TRUE(clients_.back()->Send(begin));
  }
}

void SlowClients::Go() {
  for (auto& client : clients_) client->Send(" ");
}

void WaitTimes::Measure(const Call& in_crowd, const Call& alone) {
  in_crowd_.push_back(SecondsOf(in_crowd));
  alone_.push_back(SecondsOf(alone));
}

void WaitTimes::ExpectNobodyWaits(const std::string& name) {
  const double seconds = Percentile99(in_crowd_);
  const double alone = Percentile99(alone_);
  fmt::print("p99 of {}: {:.1f} ms in the crowd, {:.1f} ms alone\n", name, seconds * 1e3,
             alone * 1e3);
  EXPECT_LT(seconds, std::max(kSecondsMax, kFactorMax * alone)) << name;
}

}  // namespace alertjoin

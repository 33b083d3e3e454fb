#include "tests/integration/prometheus/demo_target.h"

#include <fmt/format.h>

namespace alertjoin {

DemoTarget::DemoTarget() : peer_([this](const HttpPeer::Request&) { return Scrape(); }) {}

void DemoTarget::Set(const std::string& series, double value) {
  MutexLock lock(mutex_);
  series_[series] = value;
}

void DemoTarget::Remove(const std::string& series) {
  MutexLock lock(mutex_);
  series_.erase(series);
}

bool DemoTarget::AwaitScrape() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  MutexLock lock(mutex_);
  const int wanted = scrapes_ + 2;
  while (scrapes_ < wanted) {
    if (!scraped_.WaitUntil(mutex_, deadline)) return false;
  }
  return true;
}

std::string DemoTarget::Scrape() {
  MutexLock lock(mutex_);
  ++scrapes_;
  scraped_.NotifyAll();
  std::string text;
  for (const auto& [series, value] : series_) {
    // A new value with every scrape, so that a wrong sample cannot have the right value.
    text += fmt::format("{} {}\n", series, value + scrapes_ / 1000.0);
  }
  return HttpPeer::Answer(200, text, "Content-Type: text/plain; version=0.0.4\r\n");
}

}  // namespace alertjoin

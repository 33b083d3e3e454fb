#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest-service/reconcile/source_reconciler.h"
#include "tests/unit/ingest-service/reconcile/scripted_alerts.h"

namespace alertjoin {

inline const LabelSet kA = {{"alertname", "A"}};
inline const LabelSet kB = {{"alertname", "B"}, {"queue", "orders"}};
inline const LabelSet kHeld = {{"alertname", "Held"}};

// A reconciler of one scripted Prometheus, in the test's hands.
class SourceReconcilerTest : public ::testing::Test {
 protected:
  SourceReconcilerTest() {
    options_.source = "p";
    options_.alert_source = "alertmanager";
    options_.url = "http://p.example";
    options_.interval = std::chrono::seconds(5);
    options_.first_lookback = std::chrono::seconds(60);
    options_.settle_delay = std::chrono::seconds(2);
  }

  void Begin(std::optional<Timestamp> read_from = {}) {
    read_from_ = read_from;
    ledger_ = std::make_unique<TransitionLedger>(
        TransitionLedger::Options{.wait = std::chrono::seconds(10)}, seen_);
    reconciler_ = std::make_unique<SourceReconciler>(
        options_, SourceReconciler::Environment{client_, *ledger_, 0, executor_, clock_, metrics_},
        read_from);
  }

  // As a new process after a crash.
  void Restart() {
    const auto covered = reconciler_->covered();
    transport_.waiting.clear();
    executor_ = ManualExecutor();
    Begin(covered ? covered : read_from_);
  }

  // A second passes; what is asked is answered at once.
  void Tick() {
    clock_.Advance(std::chrono::seconds(1));
    reconciler_->Step();
    executor_.RunAll();
    while (!transport_.waiting.empty()) AnswerNext();
    const auto due = ledger_->Due(clock_.Now(), 1'000);
    for (const TransitionEvent& event : due) taken_.push_back(event);
    ledger_->OnTaken(due);
  }
  void TickUntil(int64_t s) {
    while (clock_.Now() < Timestamp::FromMillis(s * 1'000)) Tick();
  }

  void AnswerNext() {
    const SentQuery sent = std::move(transport_.waiting.front());
    transport_.waiting.pop_front();
    asked_.push_back(sent.path);
    if (fail_ && fail_(sent)) {
      sent.done(absl::UnavailableError("away"));
    } else {
      const Timestamp source_now = clock_.Now() - ahead_of_source_.value_or(Millis(0));
      HttpAnswer answer{200, prometheus_.Answer(sent, source_now)};
      if (ahead_of_source_) {
        answer.date = Timestamp::FromMillis(source_now.millis() / 1'000 * 1'000);
      }
      if (date_) answer.date = date_;
      sent.done(std::move(answer));
    }
    executor_.RunAll();
  }

  // Of the evaluation at that time.
  static int64_t Number(Timestamp time) {
    return (time.millis() - ScriptedAlerts::kOffsetMs) / ScriptedAlerts::kIntervalMs;
  }
  // "A +3 ~1", "A 3-7": in evaluations.
  static std::string Text(const TransitionEvent& event) {
    const auto number = [](Timestamp time) { return std::to_string(Number(time)); };
    std::string text(event.labels.Get("alertname"));
    if (event.state == AlertState::kResolved) {
      return text + " " + number(event.starts_at) + "-" + number(*event.ends_at);
    }
    text += " +" + number(event.starts_at);
    return event.active_at ? text + " ~" + number(*event.active_at) : text;
  }
  std::vector<std::string> Taken() const {
    std::vector<std::string> texts;
    for (const TransitionEvent& event : taken_) texts.push_back(Text(event));
    return texts;
  }

  // By the metric, how far it has read; in seconds.
  double Through() const {
    for (const prometheus::MetricFamily& family : registry_.Collect()) {
      if (family.name != "alertjoin_reconcile_through_seconds") continue;
      for (const auto& metric : family.metric) return metric.gauge.value;
    }
    return -1;
  }

  ScriptedAlerts prometheus_;
  // How far our clock is ahead of the source's, which says in its answers what it shows.
  std::optional<Millis> ahead_of_source_;
  // What answers say of it whatever it shows, as by a proxy whose own was never set.
  std::optional<Timestamp> date_;
  std::optional<Timestamp> read_from_;
  std::function<bool(const SentQuery&)> fail_;
  std::vector<std::string> asked_;
  std::vector<TransitionEvent> taken_;

  ManualClock clock_{Timestamp::FromMillis(20'000)};
  prometheus::Registry registry_;
  ReconcileMetrics metrics_{registry_};
  ReconcileMetrics::Seen seen_ = metrics_.SeenOf("alertmanager");
  ManualExecutor executor_;
  ManualTransport transport_;
  PrometheusClient client_{{"p", "http://p", std::chrono::seconds(10), {}}, transport_};
  SourceReconcilerOptions options_;
  std::unique_ptr<TransitionLedger> ledger_;
  std::unique_ptr<SourceReconciler> reconciler_;
};

}  // namespace alertjoin

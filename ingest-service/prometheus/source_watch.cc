#include "ingest-service/prometheus/source_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/event/event_limits.h"
#include "common/event/event_rules.h"
#include "common/metrics/metric_families.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr Millis kHealthLogInterval = std::chrono::seconds(10);
constexpr Millis kSkewLogInterval = std::chrono::minutes(10);
// Times further apart than that make answers miss the newest samples.
constexpr double kSkewSeconds = 5;
// How long the word of a query counts more than that of other paths.
constexpr Millis kQueryCounts = std::chrono::minutes(1);
constexpr size_t kLoggedMax = 200;
constexpr size_t kRemarkBytes = 300;
constexpr size_t kHealths = 5;

size_t IndexOf(SourceHealth health) { return static_cast<size_t>(health) - 1; }

prometheus::Family<prometheus::Counter>& RemarkCounters(prometheus::Registry& registry) {
  return CounterFamily(registry, "alertjoin_query_remarks_total",
                       "Warnings and infos in answers to queries, by source and kind.");
}

}  // namespace

const char* NameOf(SourceHealth health) {
  constexpr std::array<const char*, kHealths> kNames = {"ok", "auth", "forbidden", "unreachable",
                                                        "error"};
  return kNames.at(IndexOf(health));
}

std::string SourceText(const std::string& text) {
  if (!IsValidUtf8(text)) return Excerpt(text, kSourceTextBytesMax / 4 - 1);
  size_t bytes = std::min(text.size(), kSourceTextBytesMax);
  // Not in the middle of a character.
  while (bytes > 0 && bytes < text.size() &&
         (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) {
    --bytes;
  }
  return text.substr(0, bytes);
}

std::optional<SourceHealth> HealthOf(const absl::StatusOr<HttpAnswer>& answer,
                                     const absl::Status& decoded) {
  if (!answer.ok()) {
    switch (answer.status().code()) {
      case absl::StatusCode::kCancelled:
        return std::nullopt;
      case absl::StatusCode::kUnauthenticated:
        return SourceHealth::kAuth;
      case absl::StatusCode::kDeadlineExceeded:
      case absl::StatusCode::kUnavailable:
        return SourceHealth::kUnreachable;
      default:
        return SourceHealth::kError;
    }
  }
  if (decoded.ok()) return SourceHealth::kOk;
  switch (decoded.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAborted:
      return SourceHealth::kOk;
    case absl::StatusCode::kUnauthenticated:
      return SourceHealth::kAuth;
    case absl::StatusCode::kPermissionDenied:
      return SourceHealth::kForbidden;
    default:
      return SourceHealth::kError;
  }
}

SourceWatch::SourceWatch(std::string source, prometheus::Registry& registry, const Clock& clock,
                         std::function<void()> on_change)
    : source_(std::move(source)),
      clock_(clock),
      on_change_(std::move(on_change)),
      skew_(GaugeFamily(registry, "alertjoin_metrics_source_clock_skew_seconds",
                        "How far a source's clock is ahead of ours, by the date of its answers."),
            {{"source", source_}}),
      warnings_(RemarkCounters(registry).Add({{"source", source_}, {"kind", "warning"}})),
      infos_(RemarkCounters(registry).Add({{"source", source_}, {"kind", "info"}})),
      health_log_(kHealthLogInterval, clock),
      skew_log_(kSkewLogInterval, clock) {
  auto& health = GaugeFamily(registry, "alertjoin_metrics_source_health",
                             "1 for the state that a metrics source is in, 0 for the others.");
  for (size_t i = 0; i < kHealths; ++i) {
    const auto state = static_cast<SourceHealth>(i + 1);
    health_gauges_[i] = OwnedGauge(health, {{"source", source_}, {"state", NameOf(state)}});
  }
}

void SourceWatch::OnQueryAnswer(const std::string& expression, Timestamp sent,
                                const absl::StatusOr<HttpAnswer>& answer,
                                const absl::StatusOr<QueryResult>& result) {
  {
    MutexLock lock(mutex_);
    last_query_ = clock_.Now();
  }
  if (result.ok()) RecordRemarks(expression, *result);
  RecordHealth(sent, answer, result.status());
}

void SourceWatch::OnOtherAnswer(Timestamp sent, const absl::StatusOr<HttpAnswer>& answer,
                                const absl::Status& decoded) {
  {
    MutexLock lock(mutex_);
    if (last_query_ > sent - kQueryCounts) return;
  }
  RecordHealth(sent, answer, decoded);
}

void SourceWatch::RecordHealth(Timestamp sent, const absl::StatusOr<HttpAnswer>& answer,
                               const absl::Status& decoded) {
  const Timestamp now = clock_.Now();
  if (answer.ok() && answer->date.has_value()) RecordSkew(sent, now, *answer->date);
  const auto health = HealthOf(answer, decoded);
  if (!health.has_value()) return;
  bool changed = false;
  {
    MutexLock lock(mutex_);
    if (*health == SourceHealth::kOk) {
      last_ok_ = now;
    } else {
      last_error_ = SourceText(MessageOf(decoded));
      last_error_time_ = now;
      const bool passing = *health == SourceHealth::kUnreachable || *health == SourceHealth::kError;
      if (passing && health_ == SourceHealth::kOk && last_ok_ >= sent) return;
    }
    changed = health_ != *health;
    health_ = *health;
  }
  if (!changed) return;
  SetGauges(*health);
  if (health_log_.Allow()) {
    if (*health == SourceHealth::kOk) {
      LogInfo("the metrics source is well", {{"source", source_}});
    } else {
      LogWarn("the metrics source is not well",
              {{"source", source_}, {"state", NameOf(*health)}, {"error", MessageOf(decoded)}});
    }
  }
  if (on_change_) on_change_();
}

void SourceWatch::SetGauges(SourceHealth health) {
  for (size_t i = 0; i < kHealths; ++i) health_gauges_[i].Set(i == IndexOf(health) ? 1 : 0);
}

void SourceWatch::RecordSkew(Timestamp sent, Timestamp received, Timestamp date) {
  // The date is cut to whole seconds, and was written at some moment in between.
  const auto seconds = [](Millis span) { return std::chrono::duration<double>(span).count(); };
  const double least = seconds(date - received);
  const double most = seconds(date + Millis(999) - sent);
  double skew = 0;
  if (least > 0) skew = least;
  if (most < 0) skew = most;
  skew_.Set(skew);
  if ((skew > kSkewSeconds || skew < -kSkewSeconds) && skew_log_.Allow()) {
    LogWarn(
        "the metrics source's clock is not ours: set both by NTP, or samples will seem to be "
        "missing",
        {{"source", source_}, {"ahead_seconds", fmt::format("{:.1f}", skew)}});
  }
}

bool SourceWatch::IsNew(const std::string& text) {
  MutexLock lock(mutex_);
  return logged_.size() < kLoggedMax && logged_.insert(text).second;
}

void SourceWatch::RecordRemarks(const std::string& expression, const QueryResult& result) {
  warnings_.Increment(static_cast<double>(result.warnings.size()));
  infos_.Increment(static_cast<double>(result.infos.size()));
  const auto tell = [&](const char* kind, const std::string& remark) {
    const std::string text = Excerpt(remark, kRemarkBytes);
    const std::string query = Excerpt(expression, kRemarkBytes);
    if (!IsNew(fmt::format("{} {} {}", kind, query, text))) return;
    LogWarn("the metrics source remarks on an answer",
            {{"source", source_}, {"query", query}, {"kind", kind}, {"remark", text}});
    MutexLock lock(mutex_);
    remark_ = fmt::format("{}: {}: {}", kind, query, text);
  };
  for (const std::string& warning : result.warnings) tell("warning", warning);
  for (const std::string& info : result.infos) tell("info", info);
  if (result.histograms_skipped > 0) tell("histograms", "native histograms are left out");
}

std::optional<SourceStatus> SourceWatch::DueReport(Timestamp now,
                                                   const std::string& producer_id) const {
  MutexLock lock(mutex_);
  if (!health_.has_value()) return std::nullopt;
  const bool due =
      health_ != reported_health_ || now >= reported_at_ + kReportInterval || now < reported_at_;
  if (!due) return std::nullopt;
  return SourceStatus{source_,     SourceKind::kMetrics, producer_id, *health_,
                      last_error_, last_error_time_,     now,         SourceText(remark_)};
}

void SourceWatch::Reported(const SourceStatus& report) {
  MutexLock lock(mutex_);
  reported_health_ = report.health;
  reported_at_ = report.time;
}

Timestamp SourceWatch::NextDue() const {
  MutexLock lock(mutex_);
  return reported_health_.has_value() ? reported_at_ + kReportInterval : Timestamp::Max();
}

}  // namespace alertjoin

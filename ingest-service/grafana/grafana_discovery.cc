#include "ingest-service/grafana/grafana_discovery.h"

#include <fmt/format.h>
#include <prometheus/gauge.h>

#include <algorithm>
#include <utility>

#include "common/metrics/metric_families.h"
#include "common/status/status.h"
#include "ingest-service/prometheus/api_answer.h"
#include "ingest-service/prometheus/http_credentials.h"

namespace alertjoin {
namespace {

constexpr Millis kRetry = std::chrono::seconds(30);
constexpr Millis kDiscoveryLogInterval = std::chrono::minutes(5);
// Of the word for a state, one is 1.
constexpr const char* kStates[] = {"ok", "auth", "forbidden", "unreachable", "error"};

const char* StateOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return "ok";
    case absl::StatusCode::kUnauthenticated:
      return "auth";
    case absl::StatusCode::kPermissionDenied:
      return "forbidden";
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return "unreachable";
    default:
      return "error";
  }
}

std::string UrlOf(const GrafanaOptions& options, const std::string& path) {
  std::string url = options.url;
  while (url.ends_with('/')) url.pop_back();
  return url + path;
}

}  // namespace

GrafanaDiscovery::GrafanaDiscovery(GrafanaOptions options, Environment environment,
                                   OnChange on_change)
    : options_(std::move(options)),
      environment_(environment),
      on_change_(std::move(on_change)),
      log_limiter_(kDiscoveryLogInterval, environment.clock),
      states_(GaugeFamily(environment.registry, "alertjoin_grafana_state",
                          "Whether a Grafana tells its data sources: 1 for the state it is in.")),
      count_(GaugeFamily(environment.registry, "alertjoin_grafana_data_sources",
                         "Prometheus data sources of a Grafana that are asked."),
             {{"grafana", options_.name}}) {}

Timestamp GrafanaDiscovery::Step() {
  if (running_) return Timestamp::Max();
  const Timestamp now = environment_.clock.Now();
  // A clock that was set back does not stop it.
  if (next_ > now && next_ <= now + options_.interval) return next_;
  running_ = true;
  Ask("/api/datasources", DecodeDataSourceList, [this](Found list) { OnList(std::move(list)); });
  return Timestamp::Max();
}

void GrafanaDiscovery::Ask(const std::string& path, Decode decode,
                           std::function<void(Found)> then) {
  HttpCall call;
  call.lane = options_.name;
  call.url = UrlOf(options_, path);
  call.headers = {"Accept: application/json"};
  call.timeout = options_.terms.timeout;
  environment_.transport.Start(std::move(call), [this, path, decode, then = std::move(then)](
                                                    absl::StatusOr<HttpAnswer> answer) {
    Found found;
    if (!answer.ok()) {
      found = answer.status();
    } else if (answer->code != 200) {
      found = HttpErrorOf(answer->code, answer->body);
    } else {
      found = decode(answer->body);
      // What is shown of it has nothing that was shown to Grafana.
      if (!found.ok()) found = decode(WithoutSecrets(answer->body, answer->secrets));
    }
    environment_.executor.Post(
        [then, found = std::move(found)]() mutable { then(std::move(found)); });
  });
}

void GrafanaDiscovery::OnList(Found list) {
  if (list.ok()) return Finish(*std::move(list), absl::OkStatus());
  Ask("/api/frontend/settings", DecodeFrontendSettings,
      [this, why = list.status()](Found settings) {
        if (settings.ok()) return Finish(*std::move(settings), absl::OkStatus());
        OnNoList(why);
      });
}

void GrafanaDiscovery::OnNoList(const absl::Status& why) {
  std::vector<GrafanaDataSource> list;
  for (const std::string& uid : options_.uids) list.push_back({uid, uid, ""});
  if (known_.empty() && !list.empty()) return Finish(std::move(list), why);
  Report(why);
  running_ = false;
  next_ = environment_.clock.Now() + std::min(options_.interval, kRetry);
}

void GrafanaDiscovery::Finish(std::vector<GrafanaDataSource> list, const absl::Status& state) {
  ChosenDataSources chosen = ChooseDataSources(std::move(list), options_);
  if (chosen.left_out > 0 && log_limiter_.Allow()) {
    LogWarn("data sources of a Grafana are left out: too many, or with too long a name",
            {{"grafana", options_.name}, {"left_out", std::to_string(chosen.left_out)}});
  }
  bool changed = false;
  for (auto& [source, missing] : known_) ++missing;
  for (GrafanaDataSource& source : chosen.sources) {
    // The settings do not tell where it is: that is no change.
    const auto same = std::find_if(known_.begin(), known_.end(), [&source](const auto& known) {
      return known.first.uid == source.uid && known.first.name == source.name &&
             (source.url.empty() || known.first.url == source.url);
    });
    if (same != known_.end()) {
      same->second = 0;
      continue;
    }
    changed = true;
    // The same under another address takes the place of what it was.
    std::erase_if(known_, [&source](const auto& known) { return known.first.name == source.name; });
    known_.emplace(std::move(source), 0);
  }
  changed |= std::erase_if(known_, [](const auto& known) { return known.second >= 2; }) > 0;
  Report(state);
  running_ = false;
  next_ = environment_.clock.Now() +
          (state.ok() ? options_.interval : std::min(options_.interval, kRetry));
  if (changed) {
    std::vector<GrafanaDataSource> all;
    for (const auto& [source, missing] : known_) all.push_back(source);
    on_change_(all);
  }
  count_.Set(static_cast<double>(known_.size()));
}

void GrafanaDiscovery::Report(const absl::Status& state) {
  looked_ = true;
  for (const char* word : kStates) {
    OwnedGauge& gauge = state_[word];
    if (!gauge) gauge = OwnedGauge(states_, {{"grafana", options_.name}, {"state", word}});
    gauge.Set(std::string_view(word) == StateOf(state) ? 1 : 0);
  }
  const bool changed = std::exchange(state_of_look_, state).code() != state.code();
  if (state.ok()) {
    if (changed) LogInfo("Grafana tells its data sources", {{"grafana", options_.name}});
  } else if (changed || log_limiter_.Allow()) {
    LogWarn("Grafana does not tell its data sources: those that are known stay",
            {{"grafana", options_.name}, {"state", StateOf(state)}, {"error", MessageOf(state)}});
  }
}

}  // namespace alertjoin

#include "tests/unit/ingest-service/reconcile/scripted_alerts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/status/status.h"
#include "common/time/duration.h"
#include "common/time/rfc3339.h"
#include "ingest-service/reconcile/firing_history.h"

namespace alertjoin {
namespace {

LabelSet WithState(const LabelSet& labels, std::string_view state) {
  std::vector<LabelSet::LabelView> all(labels.begin(), labels.end());
  all.emplace_back("alertstate", state);
  return LabelSet(std::span<const LabelSet::LabelView>(all));
}

std::string Envelope(nlohmann::json data) {
  return nlohmann::json{{"status", "success"}, {"data", std::move(data)}}.dump();
}

nlohmann::json Json(const LabelSet& labels) {
  nlohmann::json object = nlohmann::json::object();
  for (const auto& [name, value] : labels) object[std::string(name)] = std::string(value);
  return object;
}

// The first evaluation of the active time that evaluation `k` lies in.
int64_t ActiveFrom(const std::string& states, int64_t k) {
  int64_t first = k;
  for (; k >= 0 && states[static_cast<size_t>(k)] != '.'; --k) {
    if (states[static_cast<size_t>(k)] != ' ') first = k;
  }
  return first;
}

constexpr char kRules[] = R"({"groups":[{"name":"g","interval":0,"evaluationTime":0.01,"rules":[
  {"type":"alerting","name":"A","query":"a > 1","duration":0,"labels":{}},
  {"type":"alerting","name":"B","query":"b > 1","duration":0,"labels":{}},
  {"type":"alerting","name":"Held","query":"c > 1","duration":2,"labels":{}}]}]})";

}  // namespace

std::string ScriptedAlerts::Each(size_t seconds, const std::string& states) {
  std::string script;
  for (const char state : states) script += state + std::string(seconds - 1, ' ');
  return script;
}

int64_t ScriptedAlerts::NewestAt(const AlertScript& script, Timestamp time, Timestamp now,
                                 Millis age) {
  const int64_t ms = std::min(time, now).millis();
  if (ms < kOffsetMs) return -1;
  int64_t k = std::min<int64_t>((ms - kOffsetMs) / kIntervalMs,
                                static_cast<int64_t>(script.states.size()) - 1);
  while (k >= 0 && script.states[static_cast<size_t>(k)] == ' ') --k;
  return k >= 0 && time - Evaluation(k) < age ? k : -1;
}

QueryResult ScriptedAlerts::History(const EvaluationGrid& grid, Timestamp now) const {
  QueryResult answer;
  for (const AlertScript& script : scripts) {
    for (const auto& [letter, state] : {std::pair('p', "pending"), std::pair('f', "firing")}) {
      ResultSeries series;
      series.labels = WithState(script.labels, state);
      for (Timestamp t = grid.start; t <= grid.end; t = t + grid.step) {
        const int64_t k = NewestAt(script, t, now, lookback);
        if (k < 0 || script.states[static_cast<size_t>(k)] != letter) continue;
        series.times.push_back(t);
        series.values.push_back(static_cast<double>(Evaluation(k).millis()) / 1000);
      }
      if (!series.times.empty()) answer.series.push_back(std::move(series));
    }
  }
  return answer;
}

std::string ScriptedAlerts::ActiveAlerts(Timestamp now) const {
  nlohmann::json list = nlohmann::json::array();
  for (const AlertScript& script : scripts) {
    // It is not asked of the samples.
    const int64_t k = NewestAt(script, now, now, std::chrono::days(1));
    if (k < 0 || script.states[static_cast<size_t>(k)] == '.') continue;
    const bool firing = script.states[static_cast<size_t>(k)] == 'f';
    list.push_back({{"labels", Json(script.labels)},
                    {"annotations", {{"summary", "it is so"}}},
                    {"state", firing ? "firing" : "pending"},
                    {"activeAt", FormatRfc3339(Evaluation(ActiveFrom(script.states, k)))},
                    {"value", "1e+00"}});
  }
  return Envelope({{"alerts", list}});
}

std::string ScriptedAlerts::ActiveSince(const SentQuery& sent, Timestamp now) const {
  const Timestamp time = *ParseRfc3339(sent.parameters.at("time"));
  std::map<LabelSet, std::string> values;
  for (const AlertScript& script : scripts) {
    const int64_t k = NewestAt(script, time, now, lookback);
    if (k < 0 || script.states[static_cast<size_t>(k)] == '.') continue;
    if (sent.query != "ALERTS_FOR_STATE" + ToString(script.labels)) continue;
    // In whole seconds.
    values[script.labels] =
        std::to_string(Evaluation(ActiveFrom(script.states, k)).millis() / 1000);
  }
  return VectorAnswer(values, time.millis());
}

std::string ScriptedAlerts::Answer(const SentQuery& sent, Timestamp now) const {
  const std::string path = sent.path.substr(0, sent.path.find('?'));
  if (path == "/api/v1/alerts") return ActiveAlerts(now);
  if (path == "/api/v1/status/config") return Envelope({{"yaml", config}});
  if (path == "/api/v1/status/buildinfo") return Envelope({{"version", "2.42.0"}});
  if (path == "/api/v1/rules") {
    nlohmann::json rules = nlohmann::json::parse(kRules);
    rules["groups"][0]["interval"] = static_cast<double>(interval.count()) / 1000;
    return Envelope(std::move(rules));
  }
  if (path == "/api/v1/query") return ActiveSince(sent, now);
  EXPECT_EQ(path, "/api/v1/query_range");
  const EvaluationGrid grid{*ParseRfc3339(sent.parameters.at("start")),
                            *ParseRfc3339(sent.parameters.at("end")),
                            *ParseDuration(sent.parameters.at("step"))};
  std::map<LabelSet, Points> matrix;
  for (const ResultSeries& series : History(grid, now).series) {
    // All of them, or one that is looked up.
    const bool wanted = sent.query == kHistoryExpression ||
                        sent.query == "timestamp(ALERTS" + ToString(series.labels) + ")";
    for (size_t i = 0; wanted && i < series.times.size(); ++i) {
      matrix[series.labels].emplace_back(series.times[i].millis(),
                                         fmt::format("{:.3f}", series.values[i]));
    }
  }
  return MatrixAnswer(matrix);
}

std::vector<ScriptedEpisode> EpisodesOf(const std::string& states, Millis lookback,
                                        int64_t remembered) {
  constexpr int64_t kStepMs = 250;
  std::vector<ScriptedEpisode> episodes;
  char state = '.';
  std::optional<int64_t> active;
  int64_t last = 0;
  const auto end = [&](int64_t at, bool rough) {
    if (state != 'f') return;
    episodes.back().end = at;
    episodes.back().end_is_rough = rough;
  };
  bool any = false;
  for (int64_t k = 0; k < std::ssize(states); ++k) {
    const char next = states[static_cast<size_t>(k)];
    if (next == ' ') continue;
    // The age of the last sample at the first time of the grid that would show this one.
    const int64_t age_ms = (k - last) * ScriptedAlerts::kIntervalMs +
                           (ScriptedAlerts::kIntervalMs - ScriptedAlerts::kOffsetMs);
    if (next == '.') {
      if (state == '.' || age_ms >= lookback.count()) continue;
      end(k, false);
      state = '.';
      continue;
    }
    const bool stopped = state != '.' && k - last > remembered;
    const bool faded = state != '.' && age_ms - kStepMs >= lookback.count();
    if (state == next && !stopped) {
      last = k;
      continue;
    }
    if (stopped || faded) {
      end(last + 1, true);
    } else {
      end(k, false);
    }
    const bool was_pending = state == 'p' && next == 'f' && !(stopped && faded);
    if (!was_pending) {
      const int64_t hidden_ms = ScriptedAlerts::kIntervalMs * (k - remembered) +
                                ScriptedAlerts::kOffsetMs + lookback.count();
      active = k;
      if (!any && hidden_ms <= ScriptedAlerts::kIntervalMs) active.reset();
    }
    if (next == 'f') episodes.push_back({active, was_pending ? k : active});
    any = true;
    state = next;
    last = k;
  }
  if (state != '.') end(last + 1, true);
  return episodes;
}

}  // namespace alertjoin

#include "tests/unit/ingest-service/prometheus/query_harness.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include <nlohmann/json.hpp>

#include "common/status/status.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

int HexDigit(char c) { return c <= '9' ? c - '0' : c - 'A' + 10; }

std::string Decoded(const std::string& text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    decoded += static_cast<char>(HexDigit(text.at(i + 1)) * 16 + HexDigit(text.at(i + 2)));
    i += 2;
  }
  return decoded;
}

std::map<std::string, std::string> ParametersOf(const std::string& form) {
  std::map<std::string, std::string> parameters;
  size_t begin = 0;
  while (begin < form.size()) {
    const size_t end = std::min(form.find('&', begin), form.size());
    const size_t equals = form.find('=', begin);
    parameters[form.substr(begin, equals - begin)] =
        Decoded(form.substr(equals + 1, end - equals - 1));
    begin = end + 1;
  }
  return parameters;
}

int64_t MillisOf(const SentQuery& sent, const std::string& parameter) {
  return ParseRfc3339(sent.parameters.at(parameter))->millis();
}

nlohmann::json LabelsJson(const LabelSet& labels) {
  nlohmann::json object = nlohmann::json::object();
  for (const auto& [name, value] : labels) object[name] = value;
  return object;
}

nlohmann::json PointJson(int64_t time_ms, const std::string& value) {
  return nlohmann::json::array({static_cast<double>(time_ms) / 1000, value});
}

std::string Envelope(const std::string& type, nlohmann::json result, const std::string& warning) {
  nlohmann::json answer = {{"status", "success"},
                           {"data", {{"resultType", type}, {"result", std::move(result)}}}};
  if (!warning.empty()) answer["warnings"] = nlohmann::json::array({warning});
  return answer.dump();
}

}  // namespace

void ManualExecutor::RunAll() {
  while (!tasks_.empty()) {
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
  }
}

void ManualTransport::Start(HttpCall call, Done done) {
  SentQuery sent;
  sent.path = call.url.substr(call.url.find("/api"));
  sent.parameters = ParametersOf(call.form.value_or(""));
  sent.query = sent.parameters["query"];
  sent.call = std::move(call);
  sent.done = std::move(done);
  waiting.push_back(std::move(sent));
}

absl::Status RecordingSink::Append(std::span<const Event> appended) {
  EXPECT_FALSE(appended.empty());
  if (!status.ok()) return status;
  ++appends;
  events.insert(events.end(), appended.begin(), appended.end());
  return absl::OkStatus();
}

std::map<LabelSet, RecordingSink::Samples> RecordingSink::SamplesOf(
    const std::string& query) const {
  std::map<LabelSet, Samples> result;
  for (const Event& event : events) {
    const auto* batch = std::get_if<SampleBatch>(&event);
    if (batch == nullptr) continue;
    for (size_t i = 0; i < batch->size(); ++i) {
      const SeriesKey& series = *batch->series[batch->series_index.at(i)];
      if (series.query->name == query) result[series.labels][batch->times[i]] = batch->values.at(i);
    }
  }
  return result;
}

std::vector<std::string> RecordingSink::SampleLines() const {
  std::vector<std::string> lines;
  for (const Event& event : events) {
    const auto* batch = std::get_if<SampleBatch>(&event);
    if (batch == nullptr) continue;
    for (size_t i = 0; i < batch->size(); ++i) {
      const double value = batch->values.at(i);
      lines.push_back(fmt::format(
          "{} {} {}", ToString(batch->series[batch->series_index.at(i)]->labels),
          batch->times[i].millis(), IsStaleMarker(value) ? "stale" : fmt::format("{}", value)));
    }
  }
  return lines;
}

std::vector<std::string> RecordingSink::ProgressLines() const {
  std::vector<std::string> lines;
  for (const Event& event : events) {
    const auto* progress = std::get_if<QueryProgress>(&event);
    if (progress == nullptr) continue;
    lines.push_back(fmt::format("{} {}..{}", progress->query.name, progress->complete_from.millis(),
                                progress->complete_through.millis()));
  }
  return lines;
}

std::vector<std::string> RecordingSink::GapLines() const {
  std::vector<std::string> lines;
  for (const Event& event : events) {
    const auto* gap = std::get_if<Gap>(&event);
    if (gap == nullptr) continue;
    const auto text = [](const std::optional<Timestamp>& time) {
      return time.has_value() ? std::to_string(time->millis()) : std::string();
    };
    lines.push_back(fmt::format("{} {}..{} {}", gap->query->name, text(gap->from),
                                text(gap->through), gap->reason));
  }
  return lines;
}

std::vector<std::string> RecordingSink::ErrorLines() const {
  std::vector<std::string> lines;
  for (const Event& event : events) {
    const auto* error = std::get_if<QueryError>(&event);
    if (error != nullptr) lines.push_back(fmt::format("{}: {}", error->query.name, error->error));
  }
  return lines;
}

QueryHarness::QueryHarness(Timestamp start, QueryCachesOptions caches_options)
    : clock(start), caches(caches_options) {}

void QueryHarness::AnswerNext(const std::string& body, int code) {
  ASSERT_FALSE(transport.waiting.empty());
  const SentQuery sent = std::move(transport.waiting.front());
  transport.waiting.pop_front();
  HttpAnswer answer;
  answer.code = code;
  answer.body = body;
  if (ahead_of_source) {
    const int64_t ms = (clock.Now() - *ahead_of_source).millis();
    answer.date = Timestamp::FromMillis(ms / 1'000 * 1'000);
  }
  sent.done(std::move(answer));
  executor.RunAll();
}

void QueryHarness::Answer(const std::string& query, Timestamp time, const std::string& body,
                          int code) {
  ASSERT_FALSE(transport.waiting.empty()) << query;
  ASSERT_EQ(transport.waiting.front().query, query);
  ASSERT_EQ(MillisOf(transport.waiting.front(), "time"), time.millis()) << query;
  AnswerNext(body, code);
}

void QueryHarness::FailNext(absl::Status status) {
  ASSERT_FALSE(transport.waiting.empty());
  const SentQuery sent = std::move(transport.waiting.front());
  transport.waiting.pop_front();
  sent.done(std::move(status));
  executor.RunAll();
}

std::vector<std::string> QueryHarness::Waiting() const {
  std::vector<std::string> lines;
  for (const SentQuery& sent : transport.waiting) {
    if (sent.path == "/api/v1/query") {
      lines.push_back(fmt::format("{} @ {}", sent.query, MillisOf(sent, "time")));
    } else {
      lines.push_back(fmt::format("{} @ {}..{} step {}", sent.query, MillisOf(sent, "start"),
                                  MillisOf(sent, "end"), sent.parameters.at("step")));
    }
  }
  return lines;
}

double QueryHarness::Counter(const std::string& name,
                             const std::map<std::string, std::string>& labels) const {
  for (const auto& family : registry.Collect()) {
    if (family.name != name) continue;
    for (const auto& metric : family.metric) {
      std::map<std::string, std::string> found;
      for (const auto& label : metric.label) found[label.name] = label.value;
      if (found == labels) return metric.counter.value;
    }
  }
  return 0;
}

std::string VectorAnswer(const std::map<LabelSet, std::string>& values, int64_t time_ms) {
  nlohmann::json result = nlohmann::json::array();
  for (const auto& [labels, value] : values) {
    result.push_back({{"metric", LabelsJson(labels)}, {"value", PointJson(time_ms, value)}});
  }
  return Envelope("vector", std::move(result), "");
}

std::string MatrixAnswer(const std::map<LabelSet, Points>& series, const std::string& warning) {
  nlohmann::json result = nlohmann::json::array();
  for (const auto& [labels, points] : series) {
    nlohmann::json values = nlohmann::json::array();
    for (const auto& [time_ms, value] : points) values.push_back(PointJson(time_ms, value));
    result.push_back({{"metric", LabelsJson(labels)}, {"values", std::move(values)}});
  }
  return Envelope("matrix", std::move(result), warning);
}

std::string ErrorAnswer(const std::string& type) {
  return R"({"status":"error","errorType":")" + type + R"(","error":"why"})";
}

}  // namespace alertjoin

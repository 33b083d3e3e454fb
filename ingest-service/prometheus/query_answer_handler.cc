#include "ingest-service/prometheus/query_answer_handler.h"

#include <fmt/format.h>

#include <cmath>

#include "absl/strings/numbers.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr size_t kDepthMax = 32;
constexpr size_t kExcerptBytes = 64;
constexpr size_t kWarningsMax = 100;

}  // namespace

bool QueryAnswerHandler::Fail(std::string why) {
  failure_ = std::move(why);
  return false;
}

bool QueryAnswerHandler::Enter(Place place) {
  if (places_.size() >= kDepthMax) return Fail(fmt::format("nested deeper than {}", kDepthMax));
  places_.push_back(place);
  return true;
}

QueryAnswerHandler::Place QueryAnswerHandler::PlaceOfObject() {
  if (places_.empty()) return Place::kAnswer;
  switch (places_.back()) {
    case Place::kAnswer:
      return key_ == "data" ? Place::kData : Place::kSkipped;
    case Place::kResult:
      return Place::kSeries;
    case Place::kSeries:
      return key_ == "metric" ? Place::kMetric : Place::kSkipped;
    default:
      return Place::kSkipped;
  }
}

QueryAnswerHandler::Place QueryAnswerHandler::PlaceOfArray() {
  if (places_.empty()) return Place::kSkipped;
  switch (places_.back()) {
    case Place::kAnswer:
      return key_ == "warnings" ? Place::kWarnings : Place::kSkipped;
    case Place::kData:
      return key_ == "result" ? Place::kResult : Place::kSkipped;
    case Place::kSeries:
      if (key_ == "value") return Place::kPoint;
      if (key_ == "values") return Place::kPoints;
      if (key_ == "histograms") return Place::kHistograms;
      return Place::kSkipped;
    case Place::kPoints:
      return Place::kPoint;
    default:
      return Place::kSkipped;
  }
}

bool QueryAnswerHandler::start_object(size_t) {
  const Place place = PlaceOfObject();
  if (place == Place::kSeries) {
    if (scalar_) return Fail("result holds both a number and series");
    answer_.result.series.emplace_back();
    labels_.clear();
  }
  if (!places_.empty() && places_.back() == Place::kPoints) return Fail("a point is no array");
  return Enter(place);
}

bool QueryAnswerHandler::start_array(size_t) {
  const Place place = PlaceOfArray();
  if (place == Place::kResult) answer_.has_result = true;
  if (place == Place::kPoint || place == Place::kResult) point_parts_ = 0;
  if (!places_.empty()) {
    const Place outer = places_.back();
    if (outer == Place::kResult) return Fail("result holds an array");
    if (outer == Place::kPoint) return Fail("a point holds an array");
    const bool histogram = outer == Place::kSeries && key_ == "histogram";
    if (outer == Place::kHistograms || histogram) ++answer_.result.histograms_skipped;
  }
  return Enter(place);
}

bool QueryAnswerHandler::End() {
  const Place place = places_.back();
  places_.pop_back();
  if (place == Place::kPoint && point_parts_ != 2) return Fail("a point has not two parts");
  if (place == Place::kResult && scalar_ && point_parts_ != 2) {
    return Fail("a scalar has not two parts");
  }
  if (place == Place::kMetric) answer_.result.series.back().labels = LabelSet(labels_);
  return true;
}

bool QueryAnswerHandler::key(string_t& value) {
  key_ = std::move(value);
  return true;
}

ResultSeries& QueryAnswerHandler::ScalarSeries() {
  if (answer_.result.series.empty()) answer_.result.series.emplace_back();
  return answer_.result.series.front();
}

bool QueryAnswerHandler::PointTime(double seconds) {
  const bool scalar = places_.back() == Place::kResult;
  if (scalar && !answer_.result.series.empty()) {
    return Fail("result holds both a number and series");
  }
  scalar_ |= scalar;
  const double millis = seconds * 1000;
  const bool possible = millis >= static_cast<double>(Timestamp::Min().millis()) &&
                        millis <= static_cast<double>(Timestamp::Max().millis());
  if (!possible) return Fail(fmt::format("time {} is outside the years 1 to 9999", seconds));
  ResultSeries& series = scalar ? ScalarSeries() : answer_.result.series.back();
  series.times.push_back(Timestamp::FromMillis(std::llround(millis)));
  point_parts_ = 1;
  return true;
}

bool QueryAnswerHandler::PointValue(const std::string& text) {
  double value = 0;
  // A string result looks the same as a scalar; the result's type tells later.
  const bool scalar = places_.back() == Place::kResult;
  if (!absl::SimpleAtod(text, &value) && !scalar) {
    return Fail(fmt::format("\"{}\" is no number", Excerpt(text, kExcerptBytes)));
  }
  ResultSeries& series = scalar ? ScalarSeries() : answer_.result.series.back();
  series.values.push_back(value);
  point_parts_ = 2;
  return true;
}

bool QueryAnswerHandler::Number(double value) {
  if (places_.empty()) return Fail("not an object");
  const Place place = places_.back();
  if (place == Place::kPoint || place == Place::kResult) {
    if (point_parts_ == 0) return PointTime(value);
    return Fail("a value is no string");
  }
  return Scalar();
}

bool QueryAnswerHandler::string(string_t& value) {
  if (places_.empty()) return Fail("not an object");
  switch (places_.back()) {
    case Place::kAnswer:
      if (key_ == "status") {
        answer_.status = std::move(value);
      } else if (key_ == "errorType") {
        answer_.error_type = std::move(value);
      } else if (key_ == "error") {
        answer_.error = std::move(value);
      }
      return true;
    case Place::kWarnings:
      if (answer_.result.warnings.size() < kWarningsMax) {
        answer_.result.warnings.push_back(std::move(value));
      }
      return true;
    case Place::kData:
      if (key_ == "resultType") answer_.result_type = std::move(value);
      return true;
    case Place::kMetric:
      labels_.emplace_back(key_, std::move(value));
      return true;
    case Place::kPoint:
    case Place::kResult:
      if (point_parts_ == 1) return PointValue(value);
      return Fail("a point does not begin with a time");
    default:
      return Scalar();
  }
}

bool QueryAnswerHandler::Scalar() {
  if (places_.empty()) return Fail("not an object");
  switch (places_.back()) {
    case Place::kMetric:
      return Fail("a label is no string");
    case Place::kPoint:
    case Place::kPoints:
    case Place::kResult:
      return Fail("a point is not [time, \"value\"]");
    default:
      return true;
  }
}

bool QueryAnswerHandler::parse_error(size_t position, const std::string&,
                                     const nlohmann::json::exception&) {
  return Fail(fmt::format("not JSON at byte {}", position));
}

}  // namespace alertjoin

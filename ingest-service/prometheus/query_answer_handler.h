#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ingest-service/prometheus/query_result.h"

namespace alertjoin {

// What an answer of the Prometheus API says, before it is judged.
struct QueryAnswer {
  std::string status;
  std::string error_type;
  std::string error;
  std::string result_type;
  bool has_result = false;
  QueryResult result;
};

// Receives the JSON of an answer from nlohmann's SAX parser and builds a QueryAnswer without a
// document in between. What it does not know is skipped. Stops the parser, with a reason in
// `failure`, when a known part has another shape than it must. Used once; not thread-safe.
class QueryAnswerHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  // Valid once the parser has returned true.
  QueryAnswer& answer() { return answer_; }
  const std::string& failure() const { return failure_; }

  bool null() override { return Scalar(); }
  bool boolean(bool) override { return Scalar(); }
  bool number_integer(number_integer_t value) override {
    return Number(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return Number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return Number(value); }
  bool string(string_t& value) override;
  bool binary(binary_t&) override { return Scalar(); }
  bool start_object(size_t) override;
  bool key(string_t& value) override;
  bool end_object() override { return End(); }
  bool start_array(size_t) override;
  bool end_array() override { return End(); }
  bool parse_error(size_t position, const std::string& last_token,
                   const nlohmann::json::exception& error) override;

 private:
  // What the parser is inside of.
  enum class Place {
    kAnswer,      // {"status":...}
    kWarnings,    // [...]
    kData,        // {"resultType":..., "result":...}
    kResult,      // [series...], or [time, "value"] of a scalar.
    kSeries,      // {"metric":..., "value":...}
    kMetric,      // {"name":"value"...}
    kPoints,      // [[time, "value"]...]
    kPoint,       // [time, "value"]
    kHistograms,  // Skipped, but its points are counted.
    kSkipped,     // Something unknown.
  };

  bool Fail(std::string why);
  bool Scalar();
  bool Number(double value);
  bool Enter(Place place);
  bool End();
  bool PointTime(double seconds);
  bool PointValue(const std::string& text);
  // The place for an object or array that starts here.
  Place PlaceOfObject();
  Place PlaceOfArray();
  ResultSeries& ScalarSeries();

  std::vector<Place> places_;
  std::string key_;
  std::vector<LabelSet::Label> labels_;  // Of the series being read.
  size_t point_parts_ = 0;               // Read of the newest point.
  bool scalar_ = false;                  // The result is a single point.
  QueryAnswer answer_;
  std::string failure_;
};

}  // namespace alertjoin

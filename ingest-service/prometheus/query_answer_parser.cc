#include "ingest-service/prometheus/query_answer_parser.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "absl/strings/numbers.h"
#include "common/status/status.h"
#include "common/text/json_reader.h"

namespace alertjoin {
namespace {

constexpr size_t kRemarksMax = 100;

// Seconds as Prometheus writes them, with at most three decimals, in milliseconds: read without a
// double in between. Nothing for any other form.
std::optional<int64_t> ParsePlainMillis(std::string_view text) {
  constexpr size_t kDigitsMax = 16;
  constexpr std::array<int64_t, 4> kScale = {1000, 100, 10, 1};
  if (text.size() > kDigitsMax) return std::nullopt;
  int64_t number = 0;
  size_t decimals = 0;
  bool in_decimals = false;
  for (const char c : text) {
    if (c == '.') {
      in_decimals = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
    decimals += in_decimals ? 1 : 0;
  }
  if (decimals >= kScale.size()) return std::nullopt;
  return number * kScale[decimals];
}

// Seconds as JSON, to the nearest millisecond. Nothing outside the years 1 to 9999.
std::optional<Timestamp> ParseTime(std::string_view text) {
  int64_t millis = 0;
  if (const auto plain = ParsePlainMillis(text); plain.has_value()) {
    millis = *plain;
  } else {
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const double exact = seconds * 1000;
    if (error != std::errc() || !(std::fabs(exact) < 1e17)) return std::nullopt;
    millis = std::llround(exact);
  }
  if (millis < Timestamp::Min().millis() || millis > Timestamp::Max().millis()) return std::nullopt;
  return Timestamp::FromMillis(millis);
}

bool ParseValue(std::string_view text, double* value) {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, *value);
  if (error == std::errc() && stopped == end) return true;
  // Takes what the other does not: a leading plus, and values beyond the range as infinity.
  return absl::SimpleAtod(absl::string_view(text.data(), text.size()), value);
}

class Parser {
 public:
  Parser(std::string_view body, QueryAnswer& answer) : reader_(body), answer_(answer) {}

  std::string Parse() {
    ReadAnswer();
    reader_.Finish();
    return reader_.failure();
  }

 private:
  // Which of an object's known keys were there: each may be once.
  class Keys {
   public:
    explicit Keys(JsonReader& reader) : reader_(reader) {}
    bool Is(std::string_view key, std::string_view known, unsigned number) {
      if (key != known) return false;
      if ((seen_ & 1u << number) != 0) reader_.Fail(fmt::format("\"{}\" is there twice", known));
      seen_ |= 1u << number;
      return true;
    }

   private:
    JsonReader& reader_;
    unsigned seen_ = 0;
  };

  void ReadAnswer() {
    if (!reader_.EnterObject()) return;
    Keys keys(reader_);
    std::string_view key;
    while (reader_.NextKey(&key)) {
      if (keys.Is(key, "status", 0)) {
        ReadText(&answer_.status);
      } else if (keys.Is(key, "errorType", 1)) {
        ReadText(&answer_.error_type);
      } else if (keys.Is(key, "error", 2)) {
        ReadText(&answer_.error);
      } else if (keys.Is(key, "warnings", 3)) {
        ReadRemarks(&answer_.result.warnings);
      } else if (keys.Is(key, "infos", 4)) {
        ReadRemarks(&answer_.result.infos);
      } else if (keys.Is(key, "isPartial", 6)) {
        // VictoriaMetrics: some of its storage nodes did not answer.
        answer_.result.partial |= reader_.Peek() == 't';
        answer_.result.may_heal |= reader_.Peek() == 't';
        reader_.Skip();
      } else if (keys.Is(key, "data", 5) && reader_.Peek() == '{') {
        ReadData();
      } else {
        reader_.Skip();
      }
    }
  }

  // Another kind of value leaves the text as it is.
  void ReadText(std::string* text) {
    std::string_view read;
    if (reader_.Peek() != '"') {
      reader_.Skip();
    } else if (reader_.ReadString(&read)) {
      *text = read;
    }
  }

  void ReadRemarks(std::vector<std::string>* remarks) {
    if (reader_.Peek() != '[') {
      reader_.Skip();
      return;
    }
    reader_.EnterArray();
    while (reader_.NextElement()) {
      std::string text;
      ReadText(&text);
      if (!text.empty() && remarks->size() < kRemarksMax) remarks->push_back(std::move(text));
    }
  }

  void ReadData() {
    reader_.EnterObject();
    Keys keys(reader_);
    std::string_view key;
    while (reader_.NextKey(&key)) {
      if (keys.Is(key, "resultType", 0)) {
        ReadText(&answer_.result_type);
      } else if (keys.Is(key, "result", 1) && reader_.Peek() == '[') {
        ReadResult();
      } else {
        reader_.Skip();
      }
    }
  }

  // Series, or the two parts of a single point.
  void ReadResult() {
    answer_.has_result = true;
    reader_.EnterArray();
    if (!reader_.NextElement()) return;
    if (reader_.Peek() != '{') return ReadScalar();
    do {
      ReadSeries();
    } while (reader_.NextElement());
  }

  void ReadScalar() {
    ResultSeries& series = answer_.result.series.emplace_back();
    std::string_view text;
    if (!ReadPointTime(series) || !reader_.NextElement() || !ReadPointText(&text)) {
      reader_.Fail(kPointShape);
      return;
    }
    double value = 0;
    answer_.is_text = !ParseValue(text, &value);
    series.values.push_back(value);
    EndPoint();
  }

  void ReadSeries() {
    if (!reader_.EnterObject()) return;
    ResultSeries& series = answer_.result.series.emplace_back();
    Keys keys(reader_);
    std::string_view key;
    while (reader_.NextKey(&key)) {
      if (keys.Is(key, "metric", 0)) {
        ReadMetric(series);
      } else if (keys.Is(key, "value", 1)) {
        ReadPoint(series);
      } else if (keys.Is(key, "values", 2)) {
        ReadPoints(series);
      } else if (keys.Is(key, "histogram", 3)) {
        ++answer_.result.histograms_skipped;
        reader_.Skip();
      } else if (keys.Is(key, "histograms", 4) && reader_.Peek() == '[') {
        ReadHistograms();
      } else {
        reader_.Skip();
      }
    }
  }

  void ReadMetric(ResultSeries& series) {
    if (!reader_.EnterObject()) return;
    labels_.clear();
    std::string_view text;
    while (reader_.NextKey(&text)) {
      auto& [name, value] = labels_.emplace_back(text, "");
      if (!reader_.ReadString(&text)) return;
      value = text;
    }
    series.labels = LabelSet(labels_);
    if (series.labels.size() != labels_.size()) reader_.Fail("a label is there twice");
  }

  void ReadHistograms() {
    reader_.EnterArray();
    while (reader_.NextElement()) {
      ++answer_.result.histograms_skipped;
      reader_.Skip();
    }
  }

  void ReadPoints(ResultSeries& series) {
    if (!reader_.EnterArray()) return;
    // The series of a range have about as many points as the one before.
    series.times.reserve(points_expected_);
    series.values.reserve(points_expected_);
    while (reader_.NextElement()) ReadPoint(series);
    points_expected_ = series.times.size();
  }

  void ReadPoint(ResultSeries& series) {
    std::string_view text;
    double value = 0;
    const bool read = reader_.EnterArray() && reader_.NextElement() && ReadPointTime(series) &&
                      reader_.NextElement() && ReadPointText(&text);
    if (!read) {
      reader_.Fail(kPointShape);
      return;
    }
    if (!ParseValue(text, &value)) {
      reader_.Fail(fmt::format("\"{}\" is no number", Excerpt(text)));
    }
    series.values.push_back(value);
    EndPoint();
  }

  bool ReadPointTime(ResultSeries& series) {
    std::string_view text;
    if (!reader_.ReadNumber(&text)) return false;
    const auto time = ParseTime(text);
    if (!time.has_value()) {
      return reader_.Fail(fmt::format("time {} is outside the years 1 to 9999", Excerpt(text)));
    }
    series.times.push_back(*time);
    return true;
  }

  bool ReadPointText(std::string_view* text) { return reader_.ReadString(text); }

  void EndPoint() {
    if (reader_.NextElement()) reader_.Fail(kPointShape);
  }

  static constexpr std::string_view kPointShape = "a point is not [time, \"value\"]";

  JsonReader reader_;
  QueryAnswer& answer_;
  std::vector<LabelSet::Label> labels_;  // Of the series being read.
  size_t points_expected_ = 0;
};

}  // namespace

std::string ParseQueryAnswer(std::string_view body, QueryAnswer* answer) {
  return Parser(body, *answer).Parse();
}

}  // namespace alertjoin

#include "correlator-service/http/flat_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace alertjoin {
namespace {

using nlohmann::json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string Written(FlatFormat format, const std::vector<std::vector<FlatCell>>& rows,
                    bool times_as_ms = false) {
  FlatWriter writer(format, {"a", "b \"c\", d"}, times_as_ms);
  std::string text;
  writer.Begin(&text);
  for (const auto& row : rows) writer.Row(row, &text);
  writer.End(&text);
  return text;
}

TEST(FlatWriter, CsvQuotesWhatItMust) {
  const std::string hostile = "quote \" comma , line\r\nend";
  EXPECT_EQ(Written(FlatFormat::kCsv, {{std::string_view(hostile), std::string_view("plain text")},
                                       {std::string_view(""), std::string_view(" = ")}}),
            "a,\"b \"\"c\"\", d\"\r\n"
            "\"quote \"\" comma , line\r\nend\",plain text\r\n"
            ", = \r\n");
}

TEST(FlatWriter, CsvTellsNoValueFromOneThatIsNone) {
  EXPECT_EQ(Written(FlatFormat::kCsv, {{kNan, FlatCell()},
                                       {kInfinity, -kInfinity},
                                       {0.1, 1e300},
                                       {-0.0, 90.0},
                                       {int64_t{-5}, true}}),
            "a,\"b \"\"c\"\", d\"\r\nNaN,\r\nInf,-Inf\r\n0.1,1e+300\r\n-0,90\r\n-5,true\r\n");
}

TEST(FlatWriter, TimesAreTextOrMilliseconds) {
  const Timestamp time = Timestamp::FromMillis(1772323200005);
  EXPECT_EQ(Written(FlatFormat::kNdjson, {{time, FlatCell()}}),
            "{\"a\":\"2026-03-01T00:00:00.005Z\",\"b \\\"c\\\", d\":null}\n");
  EXPECT_EQ(Written(FlatFormat::kNdjson, {{time, FlatCell()}}, true),
            "{\"a\":1772323200005,\"b \\\"c\\\", d\":null}\n");
  EXPECT_EQ(Written(FlatFormat::kCsv, {{time, time}}, true),
            "a,\"b \"\"c\"\", d\"\r\n1772323200005,1772323200005\r\n");
}

TEST(FlatWriter, LabelsAreAnObjectInOrder) {
  LabelMap labels;
  labels["z"] = "1";
  labels["b\"\n"] = "\\ \x01 \xc3\xa9";
  EXPECT_EQ(Written(FlatFormat::kCsv, {{&labels, FlatCell()}}),
            "a,\"b \"\"c\"\", d\"\r\n"
            "\"{\"\"b\\\"\"\\u000a\"\":\"\"\\\\ \\u0001 \xc3\xa9\"\",\"\"z\"\":\"\"1\"\"}\",\r\n");
  const json row = json::parse(Written(FlatFormat::kNdjson, {{&labels, FlatCell()}}));
  EXPECT_EQ(row["a"], (json{{"z", "1"}, {"b\"\n", "\\ \x01 \xc3\xa9"}}));
}

TEST(FlatWriter, JsonIsAnArrayOfRows) {
  const std::string text = "a\tb\"";
  const json rows = json::parse(
      Written(FlatFormat::kJson, {{kNan, kInfinity}, {-kInfinity, 2.5}, {text, false}}));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["a"], "NaN");
  EXPECT_EQ(rows[0]["b \"c\", d"], "Infinity");
  EXPECT_EQ(rows[1]["a"], "-Infinity");
  EXPECT_EQ(rows[1]["b \"c\", d"], 2.5);
  EXPECT_EQ(rows[2]["a"], text);
  EXPECT_EQ(rows[2]["b \"c\", d"], false);
}

TEST(FlatWriter, WithoutRowsThereIsStillATable) {
  EXPECT_EQ(Written(FlatFormat::kCsv, {}), "a,\"b \"\"c\"\", d\"\r\n");
  EXPECT_EQ(json::parse(Written(FlatFormat::kJson, {})), json::array());
  EXPECT_EQ(Written(FlatFormat::kNdjson, {}), "");
}

}  // namespace
}  // namespace alertjoin

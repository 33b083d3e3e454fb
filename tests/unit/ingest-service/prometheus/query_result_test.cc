#include "ingest-service/prometheus/query_result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Timestamp At(int64_t ms) { return Timestamp::FromMillis(ms); }

std::string Success(const std::string& data, const std::string& more = "") {
  return R"({"status":"success","data":)" + data + more + "}\n";
}

TEST(QueryResult, DecodesAVector) {
  const auto result = DecodeQueryAnswer(200, Success(R"({"resultType":"vector","result":[
        {"metric":{"__name__":"up","job":"a\"b"},"value":[1700000000.123,"1"]},
        {"metric":{},"value":[1700000000,"-2.5e-07"]}]})"));
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->series.size(), 2u);
  EXPECT_EQ(result->series[0].labels, (LabelSet{{"__name__", "up"}, {"job", "a\"b"}}));
  EXPECT_THAT(result->series[0].times, ElementsAre(At(1700000000123)));
  EXPECT_THAT(result->series[0].values, ElementsAre(1));
  EXPECT_EQ(result->series[1].labels, LabelSet());
  EXPECT_THAT(result->series[1].times, ElementsAre(At(1700000000000)));
  EXPECT_THAT(result->series[1].values, ElementsAre(-2.5e-07));
  EXPECT_FALSE(result->partial);
}

TEST(QueryResult, DecodesAMatrixAndSpecialValues) {
  const auto result = DecodeQueryAnswer(
      200, Success(R"({"result":[{"values":[[1,"NaN"],[1.001,"+Inf"],[1.002,"-Inf"],[-0.5,"1e+21"]],
        "metric":{"a":"b"}}],"resultType":"matrix"})"));
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->series.size(), 1u);
  EXPECT_EQ(result->series[0].labels, (LabelSet{{"a", "b"}}));
  EXPECT_THAT(result->series[0].times, ElementsAre(At(1000), At(1001), At(1002), At(-500)));
  EXPECT_TRUE(std::isnan(result->series[0].values[0]));
  EXPECT_EQ(result->series[0].values[1], INFINITY);
  EXPECT_EQ(result->series[0].values[2], -INFINITY);
  EXPECT_EQ(result->series[0].values[3], 1e21);
}

TEST(QueryResult, EveryMillisecondSurvives) {
  for (int64_t ms = 1700000000000; ms < 1700000001000; ++ms) {
    const std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
    const auto result = DecodeQueryAnswer(
        200, Success(R"({"resultType":"scalar","result":[1700000000.)" + fraction + R"(,"1"]})"));
    ASSERT_THAT(result, IsOk());
    ASSERT_EQ(result->series.at(0).times.at(0), At(ms));
  }
}

TEST(QueryResult, AScalarIsOneSeriesWithoutLabels) {
  const auto result =
      DecodeQueryAnswer(200, Success(R"({"resultType":"scalar","result":[12.5,"3"]})"));
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->series.size(), 1u);
  EXPECT_EQ(result->series[0].labels, LabelSet());
  EXPECT_THAT(result->series[0].times, ElementsAre(At(12500)));
}

TEST(QueryResult, TextAsResultIsTheQuerysFault) {
  EXPECT_THAT(DecodeQueryAnswer(200, Success(R"({"resultType":"string","result":[12.5,"a"]})")),
              StatusIs(StatusCode::kInvalidArgument, "gives text"));
}

TEST(QueryResult, EmptyResultIsNoError) {
  const auto result = DecodeQueryAnswer(200, Success(R"({"resultType":"vector","result":[]})"));
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(result->series, IsEmpty());
}

TEST(QueryResult, WarningsMakeItPartial) {
  const std::string data = R"({"resultType":"vector","result":[]})";
  const auto partial = DecodeQueryAnswer(200, Success(data, R"(,"warnings":["store is down"])"));
  ASSERT_THAT(partial, IsOk());
  EXPECT_TRUE(partial->partial);
  EXPECT_TRUE(partial->may_heal);
  EXPECT_THAT(partial->warnings, ElementsAre("store is down"));
  const auto hints = DecodeQueryAnswer(
      200, Success(data, R"(,"warnings":["PromQL info: metric might not be a counter"],
                              "infos":["x"])"));
  ASSERT_THAT(hints, IsOk());
  EXPECT_FALSE(hints->partial);
  EXPECT_FALSE(hints->may_heal);
  const auto left_out = DecodeQueryAnswer(
      200, Success(data, R"(,"warnings":["PromQL warning: mixed floats and histograms"])"));
  ASSERT_THAT(left_out, IsOk());
  EXPECT_TRUE(left_out->partial);
  EXPECT_FALSE(left_out->may_heal) << "it is left out each time";
}

TEST(QueryResult, AnAnswerOfVictoriaMetricsSaysItselfThatItIsPartial) {
  const std::string data = R"({"resultType":"vector","result":[]})";
  const auto partial = DecodeQueryAnswer(200, Success(data, R"(,"isPartial":true)"));
  ASSERT_THAT(partial, IsOk());
  EXPECT_TRUE(partial->partial);
  EXPECT_TRUE(partial->may_heal);
  const auto whole = DecodeQueryAnswer(200, Success(data, R"(,"isPartial":false)"));
  ASSERT_THAT(whole, IsOk());
  EXPECT_FALSE(whole->partial);
}

TEST(QueryResult, NativeHistogramsAreCountedAndSkipped) {
  const auto result = DecodeQueryAnswer(200, Success(R"({"resultType":"matrix","result":[
        {"metric":{"a":"1"},"values":[[1,"5"]],"histograms":[
          [2,{"count":"1","sum":"2","buckets":[[0,"1","2","1"],[3,"2","3","4"]]}],
          [3,{"count":"1","sum":"2"}]]},
        {"metric":{"a":"2"},"histogram":[2,{"count":"1","buckets":[[0,"1","2","1"]]}]},
        {"metric":{"a":"3"},"value":[4,"6"]}]})"));
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->histograms_skipped, 3u);
  ASSERT_EQ(result->series.size(), 3u);
  EXPECT_THAT(result->series[0].values, ElementsAre(5));
  EXPECT_THAT(result->series[1].values, IsEmpty());
  EXPECT_THAT(result->series[2].values, ElementsAre(6));
}

TEST(QueryResult, UnknownPartsAreSkipped) {
  const auto result =
      DecodeQueryAnswer(200, R"({"new":{"status":"x","result":[[1,{"a":null}]]},"status":"success",
        "data":{"stats":{"values":[1]},"resultType":"vector","result":[
          {"new":[1,2,{"value":[1]}],"metric":{"a":"b"},"value":[1,"2"],"n":null}]},"b":true})");
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->series.size(), 1u);
  EXPECT_THAT(result->series[0].values, ElementsAre(2));
}

TEST(QueryResult, ErrorsOfTheApiKeepTheirMeaning) {
  const auto error = [](int code, const std::string& type) {
    return DecodeQueryAnswer(
        code, R"({"status":"error","errorType":")" + type + R"(","error":"what it said"})");
  };
  EXPECT_THAT(error(400, "bad_data"), StatusIs(StatusCode::kInvalidArgument, "what it said"));
  EXPECT_THAT(error(422, "execution"), StatusIs(StatusCode::kAborted, "execution"));
  EXPECT_THAT(error(503, "timeout"), StatusIs(StatusCode::kDeadlineExceeded, "timeout"));
  EXPECT_THAT(error(499, "canceled"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(error(500, "internal"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(error(500, "unavailable"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(error(404, "not_found"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(error(429, "too_many_requests"), StatusIs(StatusCode::kUnavailable, "429"));
  EXPECT_TRUE(IsPermanent(error(400, "bad_data").status()));
  EXPECT_FALSE(IsPermanent(error(503, "timeout").status()));
  EXPECT_FALSE(IsPermanent(error(422, "execution").status()));
  EXPECT_TRUE(IsOfQuery(error(422, "execution").status()));
  EXPECT_FALSE(IsOfQuery(error(503, "timeout").status()));
}

TEST(QueryResult, OtherBodiesAreJudgedByTheirHttpCode) {
  const std::string html = "<html><body>\x01 no</body></html>";
  EXPECT_THAT(DecodeQueryAnswer(401, html), StatusIs(StatusCode::kUnauthenticated, "401"));
  EXPECT_THAT(DecodeQueryAnswer(403, R"({"message":"no"})"),
              StatusIs(StatusCode::kPermissionDenied, "403"));
  EXPECT_THAT(DecodeQueryAnswer(404, html), StatusIs(StatusCode::kNotFound, "404"));
  EXPECT_THAT(DecodeQueryAnswer(302, ""), StatusIs(StatusCode::kFailedPrecondition, "final URL"));
  EXPECT_THAT(DecodeQueryAnswer(429, html), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeQueryAnswer(502, html), StatusIs(StatusCode::kUnavailable, "502"));
  EXPECT_THAT(DecodeQueryAnswer(503, "Service Unavailable"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeQueryAnswer(200, html),
              StatusIs(StatusCode::kUnavailable, "not of the Prometheus API"));
  EXPECT_THAT(DecodeQueryAnswer(200, ""), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeQueryAnswer(200, "{}"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeQueryAnswer(200, "[]"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeQueryAnswer(200, "5"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeQueryAnswer(200, R"({"status":"success"})"),
              StatusIs(StatusCode::kUnavailable));
}

TEST(QueryResult, MisshapenAnswersAreRefused) {
  for (const std::string result :
       {R"([{"metric":{},"value":[1]}])", R"([{"metric":{},"value":["1",1]}])",
        R"([{"metric":{},"value":[1,2]}])", R"([{"metric":{},"value":[1,"2","3"]}])",
        R"([{"metric":{},"value":[1,"two"]}])", R"([{"metric":{"a":1},"value":[1,"2"]}])",
        R"([{"metric":{},"values":[1,"2"]}])", R"([{"metric":{},"values":[{"a":1}]}])",
        R"([{"metric":{},"value":[1e30,"2"]}])", R"([{"metric":{},"value":[[1],"2"]}])",
        R"([[1,"2"]])", R"([1])", R"([1,"2",{"metric":{}}])", R"([{"metric":{}},1,"2"])",
        R"(["a"])", R"([null])", R"([true,"1"])", R"([{"metric":{},"value":[1,null]}])"}) {
    EXPECT_THAT(DecodeQueryAnswer(200, Success(R"({"resultType":"x","result":)" + result + "}")),
                StatusIs(StatusCode::kUnavailable, "not of the Prometheus API"))
        << result;
  }
}

TEST(QueryResult, RefusalsSayWhere) {
  EXPECT_THAT(
      DecodeQueryAnswer(200, R"({"status":"success","data":{"result":[{"values":[[1,2]]}]}})"),
      StatusIs(StatusCode::kUnavailable, "expected a string at byte 52"));
  EXPECT_THAT(DecodeQueryAnswer(200, R"({"data":{"result":[{"values":[[1,"x"]]}]}})"),
              StatusIs(StatusCode::kUnavailable, "\"x\" is no number at byte"));
}

TEST(QueryResult, KeysComeInAnyOrder) {
  const auto result = DecodeQueryAnswer(
      200, R"({"warnings":["w"],"data":{"result":[{"values":[[1,"2"]],"metric":{"b":"2","a":"1"}}],
               "resultType":"matrix"},"infos":["i"],"status":"success"})");
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->series.size(), 1u);
  EXPECT_EQ(result->series[0].labels, (LabelSet{{"a", "1"}, {"b", "2"}}));
  EXPECT_THAT(result->series[0].values, ElementsAre(2));
  EXPECT_THAT(result->warnings, ElementsAre("w"));
  EXPECT_THAT(result->infos, ElementsAre("i"));
  const auto text = DecodeQueryAnswer(
      200, R"({"data":{"result":[1,"a"],"resultType":"string"},"status":"success"})");
  EXPECT_THAT(text, StatusIs(StatusCode::kInvalidArgument, "gives text"));
}

TEST(QueryResult, NothingIsThereTwice) {
  for (const std::string data :
       {R"({"result":[],"result":[]})", R"({"resultType":"vector","result":[],"resultType":"x"})",
        R"({"result":[{"metric":{},"metric":{}}]})", R"({"result":[{"values":[],"values":[]}]})",
        R"({"result":[{"value":[1,"2"],"value":[1,"2"]}]})",
        R"({"result":[{"metric":{"a":"1","a":"2"}}]})"}) {
    EXPECT_THAT(DecodeQueryAnswer(200, Success(data)), StatusIs(StatusCode::kUnavailable, "twice"))
        << data;
  }
  EXPECT_THAT(DecodeQueryAnswer(200, Success(R"({"result":[]})", R"(,"status":"error")")),
              StatusIs(StatusCode::kUnavailable, "twice"));
}

TEST(QueryResult, TextIsUtf8) {
  const std::string label = R"({"result":[{"metric":{"a":")";
  EXPECT_THAT(DecodeQueryAnswer(200, Success(label + "\xc3\xa9\"}}]}")), IsOk());
  EXPECT_THAT(DecodeQueryAnswer(200, Success(label + "\xc3\"}}]}")),
              StatusIs(StatusCode::kUnavailable, "not UTF-8"));
}

TEST(QueryResult, TimesAreReadHoweverTheyAreWritten) {
  for (const auto& [text, ms] :
       std::vector<std::pair<std::string, int64_t>>{{"1700000000", 1700000000000},
                                                    {"1700000000.1", 1700000000100},
                                                    {"1700000000.123", 1700000000123},
                                                    {"1700000000.1234", 1700000000123},
                                                    {"1700000000.1236", 1700000000124},
                                                    {"1.7e9", 1700000000000},
                                                    {"1700000000.123e0", 1700000000123},
                                                    {"-1.5", -1500},
                                                    {"0", 0},
                                                    {"253402300799.999", 253402300799999}}) {
    const auto result = DecodeQueryAnswer(
        200, Success(R"({"resultType":"scalar","result":[)" + text + R"(,"1"]})"));
    ASSERT_THAT(result, IsOk()) << text;
    EXPECT_EQ(result->series.at(0).times.at(0), At(ms)) << text;
  }
  for (const std::string text : {"253402300800", "1e999", "-1e30", "999999999999999999999"}) {
    EXPECT_THAT(DecodeQueryAnswer(
                    200, Success(R"({"resultType":"scalar","result":[)" + text + R"(,"1"]})")),
                StatusIs(StatusCode::kUnavailable, "outside the years"))
        << text;
  }
}

TEST(QueryResult, ValuesAreReadToTheLastBit) {
  for (const std::string text : {"0.1", "1e+21", "5e-324", "1.7976931348623157e308", "-0",
                                 "0.30000000000000004", "9007199254740993", "123456.789"}) {
    const auto result = DecodeQueryAnswer(
        200, Success(R"({"resultType":"scalar","result":[1,")" + text + R"("]})"));
    ASSERT_THAT(result, IsOk()) << text;
    const double value = result->series.at(0).values.at(0);
    EXPECT_EQ(value, std::strtod(text.c_str(), nullptr)) << text;
    EXPECT_EQ(std::signbit(value), text[0] == '-') << text;
  }
  for (const std::string text : {"", " ", "1x", "--1", "one", "1,5"}) {
    EXPECT_THAT(DecodeQueryAnswer(200, Success(R"({"resultType":"vector","result":[{"value":[1,")" +
                                               text + R"("]}]})")),
                StatusIs(StatusCode::kUnavailable, "is no number"))
        << text;
  }
}

TEST(QueryResult, DeepNestingEndsEarly) {
  EXPECT_THAT(DecodeQueryAnswer(200, R"({"a":)" + std::string(1'000'000, '[')),
              StatusIs(StatusCode::kUnavailable, "nested deeper"));
}

TEST(QueryResult, AnyCutOfAnAnswerIsRefused) {
  const std::string whole = Success(
      R"({"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"2"],[3,"4"]]}]})");
  for (size_t bytes = 0; bytes + 2 <= whole.size(); ++bytes) {
    EXPECT_THAT(DecodeQueryAnswer(200, whole.substr(0, bytes)), StatusIs(StatusCode::kUnavailable))
        << bytes;
  }
}

}  // namespace
}  // namespace alertjoin

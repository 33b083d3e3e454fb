// Listings are read to their end page by page while a writer writes: what exists throughout comes
// once, as it is, whatever comes, goes and changes meanwhile.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "common/status/status.h"
#include "tests/integration/read/named_call.h"
#include "tests/integration/read/read_fixture.h"
#include "tests/support/alerts.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using nlohmann::json;

constexpr int kKept = 40;
constexpr int kOthersMax = 300;
constexpr int kRounds = 3;

struct Listing {
  const char* method;
  const char* request;  // What finds all that is kept.
  const char* items;    // Field of the answer.
  // What tells items apart; samples by their own.
  std::vector<const char*> key;
  const char* figure;   // What stays as it is, of those that are kept.
  const char* changed;  // An argument with which a token of `request` is refused.
};

const Listing kListings[] = {
    {"ListJoinedRows", "", "rows", {"/rowId"}, "/match/value", "final_only: true"},
    {"ListAlerts", "", "alerts", {"/alertId"}, "/transition/startsAt", "source: 'am'"},
    {"SummarizeAlerts",
     "from { seconds: 1772323200 } to { seconds: 1772326800 }",
     "summaries",
     {"/labels/alertname"},
     "/firingTime",
     "by: 'alertname'"},
    {"ListSeries",
     "",
     "series",
     {"/series/labels/i", "/series/query/name"},
     "/firstSampleTime",
     "series { source: 'prom' }"},
    {"ListQueries", "", "queries", {"/query/name"}, "/query/source", "source: 'prom'"},
    {"ListSources", "", "sources", {"/source"}, "/health", nullptr},
    {"LookUpAsOf",
     "series { source: 'prom' } time { nanos: 15000000 }",
     "results",
     {"/series/labels/i", "/series/query/name"},
     "/match/value",
     "strict: true"},
    {"SummarizeSamples",
     "series { source: 'prom' } from { seconds: 0 } to { nanos: 30000000 }",
     "summaries",
     {"/series/labels/i", "/series/query/name"},
     "/statistics/0/mean",
     "ema_alpha: 0.5"},
};

// Its items may be parts of a series, so they are told apart in another way.
const Listing kSamples{
    "ListSamples", "to { nanos: 30000000 }", "series", {}, "", "series { source: 'prom' }"};

class PagingTest : public ReadTest {
 protected:
  void SetUp() override {
    Start({});
    generic_ =
        std::make_unique<grpc::GenericStub>(MakeChannel(fmt::format("127.0.0.1:{}", server_.port)));
    for (int id = 1; id <= kKept; ++id) Write(id, true);
  }
  void StartWriter() {
    writer_ = std::thread([this] {
      std::mt19937_64 random(TestSeed());
      while (!done_) {
        const int id = static_cast<int>(random() % (kKept + kOthersMax)) + 1;
        Write(id, id <= kKept || random() % 3 != 0);
        ++writes_;
      }
    });
  }
  void TearDown() override {
    done_ = true;
    if (writer_.joinable()) writer_.join();
  }

  // One of each kind. A kept one is there already and has news that nothing above looks at.
  void Write(int id, bool is_there) {
    RowSpec row;
    row.id = id;
    row.alert = fmt::format("alert{}", id);
    row.event_time = kRowsNow + std::chrono::seconds(id);
    row.value = id;
    row.final = writes_ % 2 == 0;
    row.operation = is_there ? Operation::kUpsert : Operation::kDelete;
    AlertSpec alert;
    alert.id = id;
    alert.alert = row.alert;
    alert.starts_at = row.event_time;
    alert.ends_at = row.event_time + std::chrono::seconds(id);
    alert.annotation = std::to_string(writes_);
    alert.operation = row.operation;
    SourceStatus source;
    source.source = fmt::format("source{}", id);
    source.producer_id = "p";
    source.health = SourceHealth::kOk;
    source.time = kRowsNow + Millis(writes_);
    store_->Commit({.changes = {MakeRow(row)}, .alerts = {MakeAlert(alert)}, .sources = {source}})
        .value();
    // Of its query, and of one that all share; what is later than 30 ms is news.
    const int64_t news = 30 + writes_;
    ApplySamples(fmt::format("q{}", id), id, news);
    ApplySamples("shared", id, news);
  }
  void ApplySamples(const std::string& query, int id, int64_t news) {
    SampleBatch batch;
    batch.series = SeriesTable{std::make_shared<const SeriesKey>(
        SeriesKey{std::make_shared<const Query>(Query{"prom", query, query, TimeKind::kSample}),
                  LabelSet{{"i", std::to_string(id)}}})};
    batch.series_index = {0, 0, 0};
    batch.times = {Timestamp::FromMillis(10), Timestamp::FromMillis(20),
                   Timestamp::FromMillis(news)};
    batch.values = {1.0 * id, 3.0 * id, 0};
    tables_.Change([&](Engine& engine) { engine.Apply({std::move(batch)}, kRowsNow); });
  }

  json Page(const Listing& listing, const std::string& arguments) {
    NamedCall call(*generic_, listing.method, fmt::format("{} {}", listing.request, arguments));
    EXPECT_THAT(call.status(), IsOk()) << listing.method;
    return call.status().ok() ? call.Answer() : json();
  }
  // All pages; the writer, when there is one, has written between any two of them.
  std::vector<json> ListAll(const Listing& listing) {
    std::vector<json> items;
    std::string token;
    do {
      const json page = Page(listing, fmt::format("page_size: 7 page_token: '{}'", token));
      const json part = page.value(listing.items, json::array());
      EXPECT_LE(part.size(), 7u);
      items.insert(items.end(), part.begin(), part.end());
      token = page.value("nextPageToken", "");
      const int before = writes_;
      while (writer_.joinable() && writes_ == before) std::this_thread::yield();
    } while (!token.empty());
    return items;
  }
  static std::string TextAt(const json& item, const char* place) {
    const json::json_pointer pointer(place);
    return item.contains(pointer) ? item[pointer].dump() : "";
  }
  // Figures by key; an item that came twice fails the test.
  static std::map<std::string, std::string> FiguresOf(const Listing& listing,
                                                      const std::vector<json>& items) {
    std::map<std::string, std::string> figures;
    for (const json& item : items) {
      std::string key;
      for (const char* const place : listing.key) key += TextAt(item, place) + " ";
      EXPECT_TRUE(figures.emplace(key, TextAt(item, listing.figure)).second)
          << listing.method << " lists twice " << key;
    }
    return figures;
  }

  std::unique_ptr<grpc::GenericStub> generic_;
  std::atomic<int> writes_ = 0;
  std::atomic<bool> done_ = false;
  std::thread writer_;
};

TEST_F(PagingTest, WhatExistsThroughoutIsListedOnceUnderConcurrentWrites) {
  std::vector<std::map<std::string, std::string>> kept;
  for (const Listing& listing : kListings) kept.push_back(FiguresOf(listing, ListAll(listing)));
  StartWriter();
  for (size_t i = 0; i < std::size(kListings); ++i) {
    const Listing& listing = kListings[i];
    EXPECT_GE(kept[i].size(), size_t{kKept}) << listing.method;
    for (int round = 0; round < kRounds; ++round) {
      const auto listed = FiguresOf(listing, ListAll(listing));
      for (const auto& [key, figure] : kept[i]) {
        const auto again = listed.find(key);
        ASSERT_NE(again, listed.end()) << listing.method << " has lost " << key;
        EXPECT_EQ(again->second, figure) << listing.method << " " << key;
      }
    }
  }
}

TEST_F(PagingTest, SamplesThatExistThroughoutAreListedOnceUnderConcurrentWrites) {
  StartWriter();
  for (int round = 0; round < kRounds; ++round) {
    std::map<std::string, int> times;
    for (const json& part : ListAll(kSamples)) {
      for (const json& sample : part["samples"]) {
        ++times[part["series"]["query"]["name"].get<std::string>() + "/" +
                part["series"]["labels"]["i"].get<std::string>() + " " + sample["time"].dump()];
      }
    }
    for (const auto& [sample, count] : times) EXPECT_EQ(count, 1) << sample;
    for (int id = 1; id <= kKept; ++id) {
      for (const std::string& query : {std::string("shared"), fmt::format("q{}", id)}) {
        for (const int ms : {10, 20}) {
          EXPECT_TRUE(
              times.contains(fmt::format("{}/{} \"1970-01-01T00:00:00.0{}Z\"", query, id, ms)));
        }
      }
    }
  }
}

TEST_F(PagingTest, ATokenIsForItsArguments) {
  std::vector<Listing> listings(std::begin(kListings), std::end(kListings));
  listings.push_back(kSamples);
  for (const Listing& listing : listings) {
    if (listing.changed == nullptr) continue;
    const std::string token = Page(listing, "page_size: 7").value("nextPageToken", "");
    NamedCall call(*generic_, listing.method,
                   fmt::format("{} {} page_token: '{}'", listing.request, listing.changed, token));
    EXPECT_THAT(call.status(), StatusIs(absl::StatusCode::kInvalidArgument)) << listing.method;
    const auto detail = DetailOf(call.status());
    ASSERT_TRUE(detail.has_value());
    EXPECT_EQ(detail->reason, "INVALID_PAGE_TOKEN") << listing.method;
    EXPECT_EQ(detail->field_violations.at(0).field, "page_token") << listing.method;
  }
}

}  // namespace
}  // namespace alertjoin

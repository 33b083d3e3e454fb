#include "ingest-service/grafana/grafana_discovery.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <prometheus/text_serializer.h>

#include <deque>
#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace alertjoin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Names = std::vector<std::string>;

std::string List(const Names& names) {
  std::string text;
  for (const std::string& name : names) {
    text += fmt::format(
        R"({}{{"uid":"u-{}","name":"{}","type":"prometheus","access":"proxy","url":"http://{}"}})",
        text.empty() ? "" : ",", name, name, name);
  }
  return "[" + text + "]";
}

std::string Settings(const Names& names) {
  std::string text;
  for (const std::string& name : names) {
    text += fmt::format(R"({}"{}":{{"uid":"u-{}","type":"prometheus","access":"proxy"}})",
                        text.empty() ? "" : ",", name, name);
  }
  return R"({"datasources":{)" + text + "}}";
}

// Answers at once what the test has set for the path, and runs the tasks when told to.
class GrafanaDiscoveryTest : public ::testing::Test, public HttpTransport, public Executor {
 protected:
  void Start(HttpCall call, Done done) override {
    asked_.push_back(call.url);
    done(answers_.at(call.url));
  }
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }

  void AnswerList(int code, const std::string& body) {
    answers_["http://g/api/datasources"] = HttpAnswer{code, body};
  }
  void AnswerSettings(int code, const std::string& body) {
    answers_["http://g/api/frontend/settings"] = HttpAnswer{code, body};
  }
  static GrafanaOptions Options() {
    GrafanaOptions options;
    options.name = "g";
    options.url = "http://g/";
    options.interval = std::chrono::minutes(5);
    return options;
  }
  void Make(GrafanaOptions options) {
    discovery_ = std::make_unique<GrafanaDiscovery>(
        std::move(options), GrafanaDiscovery::Environment{*this, *this, clock_, registry_},
        [this](const std::vector<GrafanaDataSource>& found) {
          ++changes_;
          names_.clear();
          for (const GrafanaDataSource& source : found) names_.push_back(source.name);
        });
  }
  // Lets it look once, when it is time to.
  void Look() {
    if (discovery_ == nullptr) Make(Options());
    asked_.clear();
    discovery_->Step();
    for (; !tasks_.empty(); tasks_.pop_front()) tasks_.front()();
  }
  void LookLater(Millis later = std::chrono::minutes(5)) {
    clock_.Advance(later);
    Look();
  }
  std::string State() {
    const std::string text = prometheus::TextSerializer().Serialize(registry_.Collect());
    for (const char* state : {"ok", "auth", "forbidden", "unreachable", "error"}) {
      const std::string line =
          fmt::format("alertjoin_grafana_state{{grafana=\"g\",state=\"{}\"}} 1\n", state);
      if (text.find(line) != text.npos) return state;
    }
    return "none";
  }

  ManualClock clock_{Timestamp::FromMillis(1'000'000'000)};
  prometheus::Registry registry_;
  std::map<std::string, absl::StatusOr<HttpAnswer>> answers_;
  std::vector<std::string> asked_;
  std::deque<std::function<void()>> tasks_;
  std::unique_ptr<GrafanaDiscovery> discovery_;
  int changes_ = 0;
  Names names_;
};

TEST_F(GrafanaDiscoveryTest, TheListIsEnough) {
  AnswerList(200, List({"a", "b"}));
  Look();
  EXPECT_THAT(names_, ElementsAre("a", "b"));
  EXPECT_THAT(asked_, ElementsAre("http://g/api/datasources"));
  EXPECT_EQ(State(), "ok");
  EXPECT_TRUE(discovery_->looked());
}

TEST_F(GrafanaDiscoveryTest, ItLooksAgainAfterTheIntervalAndTellsChangesOnly) {
  AnswerList(200, List({"a"}));
  Look();
  Look();
  EXPECT_THAT(asked_, IsEmpty());
  LookLater(Millis(299'999));
  EXPECT_THAT(asked_, IsEmpty());
  LookLater(Millis(1));
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_EQ(changes_, 1);
  AnswerList(200, List({"a", "b"}));
  LookLater();
  EXPECT_EQ(changes_, 2);
  EXPECT_THAT(names_, ElementsAre("a", "b"));
}

TEST_F(GrafanaDiscoveryTest, WhereTheListIsForbiddenTheSettingsTell) {
  for (const int code : {401, 403, 404, 500}) {
    discovery_ = nullptr;
    names_.clear();
    AnswerList(code, "no");
    AnswerSettings(200, Settings({"a"}));
    Look();
    EXPECT_THAT(names_, ElementsAre("a")) << code;
    EXPECT_EQ(State(), "ok");
  }
}

TEST_F(GrafanaDiscoveryTest, WhereNeitherTellsTheUidsAreAsked) {
  AnswerList(403, "no");
  AnswerSettings(403, "no");
  GrafanaOptions options = Options();
  options.uids = {"x", "y"};
  Make(options);
  Look();
  EXPECT_THAT(names_, ElementsAre("x", "y"));
  EXPECT_EQ(State(), "forbidden");
  // A name is better than a uid.
  AnswerList(200, List({"a"}));
  LookLater();
  LookLater();
  EXPECT_THAT(names_, ElementsAre("a"));
}

TEST_F(GrafanaDiscoveryTest, StatesSayWhyNothingIsTold) {
  AnswerSettings(500, "no");
  const std::pair<int, const char*> cases[] = {
      {401, "auth"}, {403, "forbidden"}, {502, "unreachable"}, {404, "error"}};
  for (const auto& [code, state] : cases) {
    AnswerList(code, "<html>");
    Look();
    EXPECT_EQ(State(), state);
    EXPECT_EQ(changes_, 0);
    EXPECT_TRUE(discovery_->looked());
    clock_.Advance(std::chrono::seconds(30));  // After a failure it looks again sooner.
  }
  answers_["http://g/api/datasources"] = absl::DeadlineExceededError("late");
  Look();
  EXPECT_EQ(State(), "unreachable");
}

TEST_F(GrafanaDiscoveryTest, WhatIsKnownStaysWhileGrafanaCannotBeAsked) {
  AnswerList(200, List({"a", "b"}));
  Look();
  AnswerList(502, "");
  AnswerSettings(502, "");
  for (int i = 0; i < 5; ++i) LookLater();
  EXPECT_EQ(changes_, 1);
  AnswerList(200, List({"a", "b"}));
  LookLater();
  EXPECT_EQ(changes_, 1);
}

TEST_F(GrafanaDiscoveryTest, WhatIsMissingTwiceIsGone) {
  AnswerList(200, List({"a", "b"}));
  Look();
  AnswerList(200, List({"a"}));
  LookLater();
  EXPECT_EQ(changes_, 1);
  AnswerList(200, List({"a", "b"}));
  LookLater();
  AnswerList(200, List({"a"}));
  LookLater();
  EXPECT_EQ(changes_, 1);
  LookLater();
  EXPECT_EQ(changes_, 2);
  EXPECT_THAT(names_, ElementsAre("a"));
}

// They do not tell the address, which is no change.
TEST_F(GrafanaDiscoveryTest, TheSettingsInPlaceOfTheListChangeNothing) {
  AnswerList(200, List({"a"}));
  Look();
  AnswerList(403, "");
  AnswerSettings(200, Settings({"a"}));
  for (int i = 0; i < 3; ++i) LookLater();
  EXPECT_EQ(changes_, 1);
}

}  // namespace
}  // namespace alertjoin

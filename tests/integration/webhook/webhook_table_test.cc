// The webhook over HTTP, case by case: each with its status code, its message and what is stored,
// and a notification on a new connection after it.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

#include "common/time/rfc3339.h"
#include "tests/integration/webhook/webhook_fixture.h"

namespace alertjoin {
namespace {

using testing::HasSubstr;
using Transitions = std::vector<TransitionEvent>;

constexpr size_t kBodyBytesMax = 1 << 20;

struct Case {
  const char* name;
  std::string request;
  int status;
  const char* text;  // Part of the answer; "" stands for an empty one.
  std::function<void(const Transitions&)> check = nullptr;  // Without one, nothing is stored.
};

std::string Post(const std::string& body) { return PostRequest("/webhook/main", body); }
std::string PostAlert(std::string_view members) {
  return Post(NotificationOf(FiringAlert("A", members)));
}
// JSON takes the last of doubled members, so these replace FiringAlert's own.
std::string PostLabel(const std::string& json_value) {
  return PostAlert(R"("labels":{"alertname":"A","l":")" + json_value + "\"}");
}

std::function<void(const Transitions&)> StartsAt(const char* utc) {
  return [utc](const Transitions& stored) {
    ASSERT_EQ(stored.size(), 1u);
    EXPECT_EQ(FormatRfc3339(stored[0].starts_at), utc);
    EXPECT_EQ(stored[0].state, AlertState::kFiring);
    EXPECT_FALSE(stored[0].ends_at.has_value());
  };
}

std::function<void(const Transitions&)> Labels(LabelSet labels) {
  return [labels](const Transitions& stored) {
    ASSERT_EQ(stored.size(), 1u);
    EXPECT_EQ(stored[0].labels, labels);
    EXPECT_EQ(stored[0].fingerprint, labels.FingerprintHex());
  };
}

std::function<void(const Transitions&)> Sources(std::vector<std::string> sources) {
  return [sources](const Transitions& stored) {
    std::vector<std::string> names;
    for (const auto& event : stored) names.push_back(event.source);
    EXPECT_EQ(names, sources);
  };
}

std::function<void(const Transitions&)> Alerts(std::vector<std::string> alerts) {
  return [alerts](const Transitions& stored) {
    std::vector<std::string> names;
    for (const auto& event : stored) names.emplace_back(event.labels.Get("alertname"));
    EXPECT_EQ(names, alerts);
  };
}

void OneFiringAndOneResolved(const Transitions& stored) {
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(stored[0].state, AlertState::kFiring);
  EXPECT_EQ(stored[1].state, AlertState::kResolved);
  EXPECT_EQ(FormatRfc3339(*stored[1].ends_at), "2026-03-01T09:58:42.345Z");
  EXPECT_EQ(FormatRfc3339(stored[1].event_time()), "2026-03-01T09:58:42.345Z");
  EXPECT_EQ(stored[1].notification.group_status, "firing");
  EXPECT_EQ(stored[1].notification.receiver, "join");
  EXPECT_EQ(stored[1].reported_value, 91.7);
  EXPECT_EQ(stored[1].origin, Origin::kAlertmanagerWebhook);
  ASSERT_EQ(stored[0].bindings.size(), 1u);
  EXPECT_EQ(stored[0].bindings[0]->query.name, "DiskFull");
}

std::string TwoAlerts() {
  return NotificationOf(FiringAlert("DiskFull") + "," +
                        FiringAlert("DiskFull",
                                    R"("status":"resolved","annotations":{"value":"91.7"},)"
                                    R"("startsAt":"2026-03-01T09:51:12.345Z",)"
                                    R"("endsAt":"2026-03-01T09:58:42.345Z")"));
}

std::string Chunked(const std::string& body) {
  return fmt::format(
      "POST /webhook/main HTTP/1.1\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
      body.size(), body);
}

std::vector<Case> TakenCases() {
  const std::string nul("a\0b", 3);
  return {
      {"valid, with a resolved alert in a firing group", Post(TwoAlerts()), 200, "",
       OneFiringAndOneResolved},
      {"time without fraction", PostAlert(R"("startsAt":"2026-03-01T10:00:12Z")"), 200, "",
       StartsAt("2026-03-01T10:00:12.000Z")},
      {"time with three digits", PostAlert(R"("startsAt":"2026-03-01T10:00:12.345Z")"), 200, "",
       StartsAt("2026-03-01T10:00:12.345Z")},
      {"time with nine digits", PostAlert(R"("startsAt":"2026-03-01T10:00:12.345678999Z")"), 200,
       "", StartsAt("2026-03-01T10:00:12.345Z")},
      {"time with an offset east", PostAlert(R"("startsAt":"2018-07-04T20:27:12.60602144+02:00")"),
       200, "", StartsAt("2018-07-04T18:27:12.606Z")},
      {"time with an offset west", PostAlert(R"("startsAt":"2017-10-21T15:50:17.16095407-02:00")"),
       200, "", StartsAt("2017-10-21T17:50:17.160Z")},
      {"endsAt in year 1", PostAlert(R"("endsAt":"0001-01-01T00:00:00Z")"), 200, "",
       StartsAt("2026-03-01T10:00:12.345Z")},
      {"endsAt absent", PostAlert(R"("endsAt":null)"), 200, "",
       StartsAt("2026-03-01T10:00:12.345Z")},
      {"endsAt in the future on a firing alert", PostAlert(R"("endsAt":"2126-03-01T10:00:00Z")"),
       200, "", StartsAt("2026-03-01T10:00:12.345Z")},
      {"resolved without endsAt", PostAlert(R"("status":"resolved")"), 200, "",
       [](const Transitions& stored) {
         ASSERT_EQ(stored.size(), 1u);
         EXPECT_EQ(stored[0].ends_at, stored[0].received_time);
       }},
      {"no job, no instance", PostAlert(R"("labels":{"alertname":"Sum"})"), 200, "",
       Labels({{"alertname", "Sum"}})},
      {"unknown version with the right shape",
       Post(R"({"version":"77","alerts":[)" + FiringAlert("A") + "]}"), 200, "",
       [](const Transitions& stored) {
         ASSERT_EQ(stored.size(), 1u);
         EXPECT_EQ(stored[0].notification.version, "77");
       }},
      {"unknown extra fields",
       Post(R"({"new":{"deep":[1,[2]]},"alerts":[)" + FiringAlert("A", R"("also":null)") + "]}"),
       200, "", StartsAt("2026-03-01T10:00:12.345Z")},
      {"no alerts", Post(NotificationOf("")), 200, ""},
      {"alerts null", Post(R"({"alerts":null})"), 200, ""},
      {"label with quotes and a newline", PostLabel(R"(say \"hi\"\nand 'bye' \\)"), 200, "",
       Labels({{"alertname", "A"}, {"l", "say \"hi\"\nand 'bye' \\"}})},
      {"label with NUL", PostLabel(R"(a\u0000b)"), 200, "",
       Labels({{"alertname", "A"}, {"l", nul}})},
      {"label of the longest size", PostLabel(std::string(4096, 'v')), 200, "",
       Labels({{"alertname", "A"}, {"l", std::string(4096, 'v')}})},
      {"label outside ASCII", PostLabel("größe €\\ud83d\\ude00"), 200, "",
       Labels({{"alertname", "A"}, {"l", "größe €😀"}})},
      {"Grafana",
       Post(R"({"orgId":1,"state":"alerting","version":"1","alerts":[)" +
            FiringAlert("G", R"("values":{"B":2,"A":1.5},"fingerprint":"57c1b3ab00112233")") +
            "]}"),
       200, "",
       [](const Transitions& stored) {
         ASSERT_EQ(stored.size(), 1u);
         EXPECT_EQ(stored[0].origin, Origin::kGrafanaWebhook);
         EXPECT_EQ(stored[0].fingerprint, "57c1b3ab00112233");
         EXPECT_THAT(stored[0].reported_values,
                     testing::ElementsAre(testing::Pair("A", 1.5), testing::Pair("B", 2)));
       }},
      {"trace context",
       PostRequest("/webhook", NotificationOf(FiringAlert("A")),
                   "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"),
       200, "",
       [](const Transitions& stored) {
         ASSERT_EQ(stored.size(), 1u);
         EXPECT_EQ(stored[0].traceparent,
                   "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
       }},
      {"path /webhook", PostRequest("/webhook", TwoAlerts()), 200, "", Sources({"main", "main"})},
      {"path /", PostRequest("/", TwoAlerts()), 200, "", Sources({"main", "main"})},
      {"path /api/v1/alerts", PostRequest("/api/v1/alerts", TwoAlerts()), 200, "",
       Sources({"main", "main"})},
      {"second source", PostRequest("/webhook/second", TwoAlerts()), 200, "",
       Sources({"second", "second"})},
      {"path /api/v2/alerts", PostRequest("/api/v2/alerts", TwoAlerts()), 200, "",
       Sources({"main", "main"})},
      {"path with a prefix", PostRequest("/prometheus/second/api/v2/alerts", TwoAlerts()), 200, "",
       Sources({"second", "second"})},
      {"path of the first API with a prefix",
       PostRequest("/webhook/second/api/v1/alerts", TwoAlerts()), 200, "",
       Sources({"second", "second"})},
      {"no alerts in an array", PostRequest("/api/v2/alerts", "[]"), 200, ""},
      {"PUT", "PUT" + Post(TwoAlerts()).substr(4), 200, "", Sources({"main", "main"})},
      {"content type with parameters",
       "POST / HTTP/1.1\r\nContent-Type: Application/JSON ; charset=utf-8\r\nContent-Length: 13\r\n"
       "\r\n{\"alerts\":[]}",
       200, ""},
      {"no content type", "POST / HTTP/1.1\r\nContent-Length: 13\r\n\r\n{\"alerts\":[]}", 200, ""},
  };
}

std::vector<Case> RefusedCases() {
  const std::string valid = TwoAlerts();
  return {
      {"label over the limit", PostLabel(std::string(4097, 'v')), 400,
       "alerts[0].labels.l: the value has 4097 bytes, the limit is 4096"},
      {"label name over the limit",
       PostAlert(R"("labels":{")" + std::string(257, 'n') + R"(":"x"})"), 400,
       "has 257 bytes, the limit is 256"},
      {"fault in the second alert",
       Post(NotificationOf(FiringAlert("A") + "," + FiringAlert("B", R"("startsAt":"soon")"))), 400,
       "alerts[1].startsAt: ", Alerts({"A"})},
      {"faults in two of four alerts",
       Post(NotificationOf("7," + FiringAlert("A") + ",[]," + FiringAlert("B"))), 400,
       "alerts[0]: expected an object, got number; 2 of 4 alerts can never be taken, the others "
       "were",
       Alerts({"A", "B"})},
      {"faults in all alerts of an array", PostRequest("/api/v2/alerts", "[7,8]"), 400,
       "[0]: expected an object, got number; 2 of 2 alerts can never be taken\n"},
      {"no startsAt", PostAlert(R"("startsAt":null)"), 400, "alerts[0].startsAt: missing"},
      {"unknown state", PostAlert(R"("status":"ok")"), 400,
       "alerts[0].status: expected firing or resolved, got \"ok\""},
      {"invalid UTF-8", PostLabel("\xff\xfe"), 400, "UTF-8"},
      {"UTF-8 surrogate", PostLabel("\xed\xa0\x80"), 400, "UTF-8"},
      {"truncated JSON", Post(valid.substr(0, valid.size() / 2)), 400, "not JSON: byte "},
      {"empty body", Post(""), 400, "not JSON: byte 1"},
      {"text", Post("alert!"), 400, "not JSON"},
      {"text after the end", Post(valid + "x"), 400, "not JSON"},
      {"array with something else than alerts", Post("[" + FiringAlert("C") + ", 7]"), 400,
       "[1]: expected an object, got number; 1 of 2 alerts can never be taken, the others were",
       Alerts({"C"})},
      {"fault in the second alert of an array",
       PostRequest("/api/v2/alerts",
                   "[" + FiringAlert("D") + "," + FiringAlert("B", R"("endsAt":"soon")") + "]"),
       400, "[1].endsAt: ", Alerts({"D"})},
      {"payload of one's own", Post(R"({"text":"{{ .Alerts }}"})"), 400, "`payload:`"},
      {"100,000 nested brackets", Post(std::string(100'000, '[')), 400,
       "nested deeper than 32 levels"},
      {"100,000 nested objects", Post([] {
         std::string text;
         for (int i = 0; i < 100'000; ++i) text += "{\"a\":";
         return text;
       }()),
       400, "nested deeper than 32 levels"},
      {"body over the limit", Post(std::string(kBodyBytesMax + 1, ' ')), 413,
       "the body has 1048577 bytes, the limit is 1048576"},
      {"chunked body", Chunked(valid), 411, "Transfer-Encoding is not taken"},
      {"compressed body", PostRequest("/webhook/main", valid, "Content-Encoding: gzip\r\n"), 415,
       "Content-Encoding is not taken"},
      {"no length", "POST /webhook/main HTTP/1.1\r\n\r\n", 411, "Content-Length is missing"},
      {"two lengths", PostRequest("/webhook/main", valid, "Content-Length: 5\r\n"), 400,
       "Content-Length is given more than once"},
      {"form, as curl -d sends it",
       "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
       "Content-Length: 2\r\n\r\n{}",
       415, "Content-Type: application/json"},
      {"large form",
       "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
       "Content-Length: 100000\r\n\r\n" +
           std::string(100'000, 'x'),
       415, "Content-Type: application/json"},
      {"other content type",
       "POST / HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 2\r\n\r\n{}", 415,
       "Content-Type \"text/xml\" is not taken: send application/json"},
      {"unknown source", PostRequest("/webhook/mian", valid), 404,
       "unknown alert source \"mian\": configured are main, second"},
      {"unknown path", PostRequest("/api/v3/alerts", valid), 404, "no such path: /api/v3/alerts"},
      {"alerts of an unknown source", PostRequest("/prometheus/mian/api/v2/alerts", "[]"), 404,
       "unknown alert source \"mian\": configured are main, second"},
      {"deeper path", PostRequest("/webhook/main/more", valid), 404, "no such path"},
      {"wrong method", GetRequest("/webhook/main"), 405, "use POST, PUT"},
      {"wrong method with body", "DELETE" + Post(valid).substr(4), 405, "use POST, PUT"},
      {"no HTTP", "hello\r\n\r\n", 400, "malformed request line"},
  };
}

class WebhookTable : public WebhookFixture {
 protected:
  void Run(const std::vector<Case>& cases) {
    Setup setup;
    setup.body_bytes_max = kBodyBytesMax;
    Start(setup);
    for (const Case& c : cases) {
      SCOPED_TRACE(c.name);
      const RawHttpResponse response = Ask(c.request);
      EXPECT_EQ(response.status, c.status) << response.body;
      if (*c.text == '\0') {
        EXPECT_EQ(response.body, "");
      } else {
        EXPECT_THAT(response.body, HasSubstr(c.text));
        EXPECT_EQ(response.body.find('\n'), response.body.size() - 1) << "one line";
      }
      const Transitions stored = TakeTransitions();
      if (c.check) {
        c.check(stored);
      } else {
        EXPECT_EQ(stored.size(), 0u);
      }
      ExpectNextIsTaken();
    }
  }
};

TEST_F(WebhookTable, TakenOnesAreStoredBeforeTheyAreAnswered) { Run(TakenCases()); }

TEST_F(WebhookTable, RefusedOnesSayWhyAndStoreWhatHasNoFault) { Run(RefusedCases()); }

TEST_F(WebhookTable, RefusedOnesOnOneConnectionAreFollowedByTakenOnes) {
  Start({});
  RawHttpClient client(server_->port());
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(client.Ask(Post("["))->status, 400);
    EXPECT_EQ(client.Ask(PostRequest("/webhook/nope", "{}"))->status, 404);
    EXPECT_EQ(client.Ask(Post(TwoAlerts()))->status, 200);
  }
  EXPECT_EQ(TakeTransitions().size(), 20u);
}

}  // namespace
}  // namespace alertjoin

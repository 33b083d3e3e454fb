#include "common/config/yaml_reader.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
using namespace std::chrono_literals;

YamlDocument Read(std::string_view text) { return YamlDocument(text, "f.yml"); }

TEST(YamlReader, ReadsEveryKindOfValue) {
  auto document = Read(R"(name: main
port: 9752
on: true
interval: 1m30s
size: 16MiB
plain: 4096
hosts: [a, "b", 3]
labels:
  z: "1"
  a: x y
)");
  YamlNode root = document.root();
  EXPECT_EQ(root.Child("name").RequiredString(), "main");
  EXPECT_EQ(root.Child("port").Int(1, 0, 65535), 9752);
  EXPECT_TRUE(root.Child("on").Bool(false));
  EXPECT_EQ(root.Child("interval").Duration(1s, 1s, 1h), 90s);
  EXPECT_EQ(root.Child("size").Bytes(1, 0, 1 << 30), 16u << 20);
  EXPECT_EQ(root.Child("plain").Bytes(1, 0, 1 << 30), 4096u);
  EXPECT_EQ(root.Child("hosts").StringList(), (std::vector<std::string>{"a", "b", "3"}));
  EXPECT_EQ(root.Child("labels").StringMap(),
            (std::vector<std::pair<std::string, std::string>>{{"z", "1"}, {"a", "x y"}}));
  root.Finish();
  EXPECT_THAT(document.status(), IsOk());
}

TEST(YamlReader, GivesTheEntriesOfAnyMap) {
  auto document = Read("b: {x: 1}\na:\nc: [2]\n");
  YamlNode root = document.root();
  auto entries = root.Entries();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].first, "b");
  EXPECT_EQ(entries[0].second.Child("x").Int(0, 0, 9), 1);
  EXPECT_EQ(entries[1].first, "a");
  EXPECT_FALSE(entries[1].second.present());
  EXPECT_EQ(entries[2].second.where(), "f.yml:3:4");
  EXPECT_THAT(document.status(), IsOk());
  EXPECT_TRUE(entries[2].second.Entries().empty());
  EXPECT_THAT(document.status(), StatusIs(kInvalid, "f.yml:3:4: expected a map"));
}

TEST(YamlReader, FilesAreRelativeToTheDocument) {
  for (const auto& [name, expected] : std::vector<std::pair<std::string, std::string>>{
           {"f.yml", "x/y"}, {"/etc/f.yml", "/etc/x/y"}, {"a/f.yml", "a/x/y"}}) {
    YamlDocument document("file: x/y\nabsolute: /x\nempty: ''", name);
    EXPECT_EQ(document.root().Child("file").FilePath(), expected);
    EXPECT_EQ(document.root().Child("absolute").FilePath(), "/x");
    EXPECT_EQ(document.root().Child("missing").FilePath(), "");
    EXPECT_THAT(document.status(), IsOk());
    EXPECT_EQ(document.root().Child("empty").FilePath(), "");
    EXPECT_THAT(document.status(), StatusIs(kInvalid, "must not be empty"));
  }
}

TEST(YamlReader, AbsentAndNullValuesGiveTheDefault) {
  for (const char* text : {"", "# nothing\n", "~", "name:\nport: ~\nsub: null\n"}) {
    auto document = Read(text);
    YamlNode root = document.root();
    EXPECT_EQ(root.Child("name").String("d"), "d") << text;
    EXPECT_EQ(root.Child("port").Int(7, 0, 10), 7) << text;
    EXPECT_TRUE(root.Child("flag").Bool(true)) << text;
    EXPECT_EQ(root.Child("t").Duration(5s, 1s, 10s), 5s) << text;
    EXPECT_EQ(root.Child("b").Bytes(3, 1, 10), 3u) << text;
    YamlNode sub = root.Child("sub");
    EXPECT_FALSE(sub.present()) << text;
    EXPECT_EQ(sub.Child("deeper").Child("still").String("d"), "d") << text;
    EXPECT_TRUE(sub.Items().empty()) << text;
    EXPECT_TRUE(sub.StringMap().empty()) << text;
    sub.Finish();
    root.Finish();
    EXPECT_THAT(document.status(), IsOk()) << text;
  }
}

TEST(YamlReader, UnknownKeyIsNamedWithItsPlaceAndTheKnownKeys) {
  auto document = Read("queries:\n  - name: a\n    intervall: 5s\n");
  YamlNode root = document.root();
  for (YamlNode& item : root.Child("queries").Items()) {
    item.Child("name").String("");
    item.Child("interval").Duration(1s, 1s, 1h);
    item.Child("expr").String("");
    item.Finish();
  }
  root.Finish();
  EXPECT_EQ(MessageOf(document.status()),
            "f.yml:3:5: unknown key \"intervall\" (known keys here: expr, interval, name)");
}

TEST(YamlReader, MissingKeyIsNamedButGivesWayToItsTypingError) {
  auto document = Read("sources:\n  - nme: a\n");
  for (YamlNode& item : document.root().Child("sources").Items()) {
    EXPECT_EQ(item.Child("name").RequiredString(), "");
    EXPECT_EQ(MessageOf(document.status()), "f.yml:2:5: key \"name\" is missing");
    item.Finish();
  }
  EXPECT_THAT(document.status(), StatusIs(kInvalid, "f.yml:2:5: unknown key \"nme\""));
}

TEST(YamlReader, EmptyRequiredStringIsAFault) {
  auto document = Read("name: ''\n");
  document.root().Child("name").RequiredString();
  EXPECT_EQ(MessageOf(document.status()), "f.yml:1:7: \"name\" must not be empty");
}

TEST(YamlReader, FirstFaultIsKept) {
  auto document = Read("a: x\nb: y\n");
  document.root().Child("b").Int(0, 0, 1);
  document.root().Child("a").Int(0, 0, 1);
  document.root().Finish();
  EXPECT_THAT(document.status(), StatusIs(kInvalid, "f.yml:2:4: expected a whole number"));
}

TEST(YamlReader, WrongTypesAndRangesAreFaultsAndGiveTheDefault) {
  const struct {
    const char* text;
    const char* message;
    void (*read)(YamlNode);
  } cases[] = {
      {"k: 12x", "f.yml:1:4: expected a whole number from 1 to 20, got \"12x\"",
       [](YamlNode n) { EXPECT_EQ(n.Int(5, 1, 20), 5); }},
      {"k: 21", "expected a whole number from 1 to 20, got \"21\"",
       [](YamlNode n) { EXPECT_EQ(n.Int(5, 1, 20), 5); }},
      {"k: 99999999999999999999", "expected a whole number",
       [](YamlNode n) { EXPECT_EQ(n.Int(5, 1, 20), 5); }},
      {"k: yes", "expected true or false, got \"yes\"",
       [](YamlNode n) { EXPECT_FALSE(n.Bool(false)); }},
      {"k: 5", "expected a duration from 1s to 1h, got \"5\"",
       [](YamlNode n) { EXPECT_EQ(n.Duration(2s, 1s, 1h), 2s); }},
      {"k: 2h", "expected a duration from 1s to 1h, got \"2h\"",
       [](YamlNode n) { EXPECT_EQ(n.Duration(2s, 1s, 1h), 2s); }},
      {"k: 5MB", "expected a size from 1KiB to 1GiB (bytes, or with KiB, MiB, GiB), got \"5MB\"",
       [](YamlNode n) { EXPECT_EQ(n.Bytes(4096, 1024, 1 << 30), 4096u); }},
      {"k: 18446744073709551615GiB", "expected a size",
       [](YamlNode n) { EXPECT_EQ(n.Bytes(4096, 1024, 1 << 30), 4096u); }},
      {"k: [1]", "f.yml:1:4: expected a text, got a list",
       [](YamlNode n) { EXPECT_EQ(n.String("d"), "d"); }},
      {"k: {a: 1}", "expected a text, got a map",
       [](YamlNode n) { EXPECT_EQ(n.RequiredString(), ""); }},
      {"k: text", "expected a list", [](YamlNode n) { EXPECT_TRUE(n.Items().empty()); }},
      {"k: text", "expected a map of texts",
       [](YamlNode n) { EXPECT_TRUE(n.StringMap().empty()); }},
      {"k: {a: [1]}", "f.yml:1:8: expected a text, got a list", [](YamlNode n) { n.StringMap(); }},
      {"k: [[1]]", "f.yml:1:5: expected a text, got a list", [](YamlNode n) { n.StringList(); }},
      {"k: text", "expected a map with keys such as \"sub\"",
       [](YamlNode n) { EXPECT_EQ(n.Child("sub").String("d"), "d"); }},
      {"k: [1]", "expected a map", [](YamlNode n) { n.Finish(); }},
  };
  for (const auto& c : cases) {
    auto document = Read(c.text);
    c.read(document.root().Child("k"));
    EXPECT_THAT(document.status(), StatusIs(kInvalid, c.message)) << c.text;
  }
}

TEST(YamlReader, FaultOfTheReaderCarriesThePlace) {
  auto document = Read("a:\n  b: -1\n");
  YamlNode node = document.root().Child("a").Child("b");
  EXPECT_EQ(node.where(), "f.yml:2:6");
  node.Fault("must be even");
  EXPECT_EQ(MessageOf(document.status()), "f.yml:2:6: must be even");
}

TEST(YamlReader, TextThatIsNoYamlIsAFaultAndReadsAsEmpty) {
  auto document = Read("a:\n\tb: 1\n");
  EXPECT_FALSE(document.root().present());
  EXPECT_EQ(document.root().Child("a").String("d"), "d");
  EXPECT_THAT(document.status(), StatusIs(kInvalid, "f.yml:2:3: not YAML"));
}

TEST(YamlReader, FileIsReadAndItsAbsenceIsAFault) {
  const auto path = std::filesystem::path(testing::TempDir()) / "alertjoin_yaml_reader_test.yml";
  std::ofstream(path) << "a: 1\nb: 2\n";
  auto document = YamlDocument::FromFile(path.string());
  EXPECT_EQ(document.root().Child("a").Int(0, 0, 9), 1);
  document.root().Finish();
  EXPECT_EQ(MessageOf(document.status()),
            path.string() + ":2:1: unknown key \"b\" (known keys here: a)");
  std::filesystem::remove(path);

  auto absent = YamlDocument::FromFile(path.string());
  EXPECT_FALSE(absent.root().present());
  EXPECT_EQ(MessageOf(absent.status()),
            path.string() + ": cannot be read: No such file or directory");
  EXPECT_THAT(YamlDocument::FromFile(testing::TempDir()).status(),
              StatusIs(kInvalid, "cannot be read"));
}

// A configuration with every kind of value, some of which are absent.
void ReadEverything(YamlDocument& document) {
  YamlNode root = document.root();
  YamlNode server = root.Child("server");
  server.Child("name").String("main");
  server.Child("title").String("");
  server.Child("on").Bool(true);
  server.Child("port").Int(80, 0, 65535);
  server.Child("wait").Duration(90s, 1s, 1h);
  server.Child("size").Bytes(1 << 20, 0, 1 << 30);
  server.Child("password").SecretString();
  server.Finish();
  for (YamlNode& item : root.Child("items").Items("[{key: default}]")) {
    item.Child("key").RequiredString();
    item.Child("hosts").StringList();
    item.Finish();
  }
  for (auto& [name, entry] : root.Child("entries").Entries()) entry.Child("a").String("");
  if (YamlNode extra = root.Child("extra"); extra.present()) extra.Child("b").Bool(false);
  root.Finish();
}

TEST(YamlReader, EffectiveShowsDefaultsAndNoSecret) {
  auto document = Read("server: {port: 8080, size: 2048, password: canary}");
  ReadEverything(document);
  ASSERT_TRUE(document.status().ok());
  EXPECT_EQ(document.Effective(), R"(server:
  name: main
  on: true
  port: 8080
  wait: 1m30s
  size: 2KiB
  password: <secret>
items:
  - key: default
    hosts: []
)");
}

TEST(YamlReader, EffectiveReadsAsItself) {
  for (const char* text :
       {"", "items: []", "items: [{key: 'a: b', hosts: [\"\", '#', 'x\ty', \"new\\nline\"]}]",
        "server: {name: 'null', title: \"tilde ~ 'quote' \\\"\"}\nentries: {\"odd key\": {a: 1}}",
        "extra: {b: true}\nserver: {title: \"\\x01\\u2028ü\"}"}) {
    auto first = Read(text);
    ReadEverything(first);
    ASSERT_TRUE(first.status().ok()) << first.status();
    auto second = Read(first.Effective());
    ReadEverything(second);
    EXPECT_TRUE(second.status().ok()) << second.status() << "\n" << first.Effective();
    EXPECT_EQ(second.Effective(), first.Effective());
    if (std::string_view(text).empty()) continue;
    EXPECT_NE(first.Effective(), [] {
      auto none = Read("");
      ReadEverything(none);
      return none.Effective();
    }()) << text;
  }
}

TEST(YamlReader, KeysAskedForAreThoseOfTheCode) {
  auto document = Read("entries: {mine: {a: 1}}\nextra: {b: true}");
  ReadEverything(document);
  EXPECT_EQ(document.KeysAskedFor(),
            (std::vector<std::string>{"entries", "entries.*", "entries.*.a", "extra", "extra.b",
                                      "items", "items[].hosts", "items[].key", "server",
                                      "server.name", "server.on", "server.password", "server.port",
                                      "server.size", "server.title", "server.wait"}));
}

}  // namespace
}  // namespace alertjoin

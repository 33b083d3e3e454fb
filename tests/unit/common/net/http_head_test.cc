#include "common/net/http_head.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/seed.h"

namespace alertjoin {
namespace {

HttpHead Parsed(std::string_view text) {
  auto parsed = ParseHttpHead(text);
  if (const auto* refusal = std::get_if<HttpRefusal>(&parsed)) {
    ADD_FAILURE() << refusal->status << " " << refusal->message;
    return {};
  }
  return std::get<HttpHead>(std::move(parsed));
}

int RefusedWith(std::string_view text) {
  const auto parsed = ParseHttpHead(text);
  const auto* const refusal = std::get_if<HttpRefusal>(&parsed);
  return refusal ? refusal->status : 0;
}

std::string Head(const std::string& headers) { return "POST / HTTP/1.1\r\n" + headers + "\r\n"; }

TEST(HttpHead, TakesARequestApart) {
  const HttpHead head = Parsed(
      "POST /webhook/a?x=1 HTTP/1.1\r\nHost: h\r\nContent-LENGTH:  12 \r\nX-Empty:\r\n"
      "Accept: a\r\naccept: b\r\n\r\n");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/webhook/a?x=1");
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_EQ(head.Get("host"), "h");
  EXPECT_EQ(head.Get("accept"), "a, b");
  EXPECT_TRUE(head.Has("x-empty"));
  EXPECT_EQ(head.Get("x-empty"), "");
  EXPECT_EQ(head.Get("absent"), "");
  EXPECT_FALSE(head.Has("absent"));
}

TEST(HttpHead, RequestLineIsStrict) {
  EXPECT_EQ(RefusedWith("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(RefusedWith("GET /a b HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(RefusedWith("GET  / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(RefusedWith("GET / HTTP/1.1 \r\n\r\n"), 400);
  EXPECT_EQ(RefusedWith("GET /\t HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(RefusedWith("GET HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(RefusedWith("GET /\r\n\r\n"), 400);
  EXPECT_EQ(RefusedWith("\r\n\r\n"), 400);
  EXPECT_EQ(RefusedWith(""), 400);
  EXPECT_EQ(RefusedWith("GET / HTTP/1.1"), 400);
  EXPECT_EQ(RefusedWith("GET / HTTP/1.1\r\n"), 400);
  EXPECT_EQ(RefusedWith("GET http://h/ HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(RefusedWith("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(RefusedWith("get / HTTP/1.1\r\n\r\n"), 501);
}

TEST(HttpHead, LengthIsAPlainNumberGivenOnce) {
  EXPECT_EQ(Parsed(Head("Content-Length: 0\r\n")).content_length, 0u);
  EXPECT_EQ(Parsed(Head("Content-Length: 18446744073709551615\r\n")).content_length, UINT64_MAX);
  EXPECT_FALSE(Parsed(Head("")).content_length.has_value());
  for (const char* value : {"", " ", "-1", "+1", "1,1", "1, 1", "0x1", "1 1", "1.0", "%31", "a",
                            "18446744073709551616"}) {
    EXPECT_EQ(RefusedWith(Head(std::string("Content-Length: ") + value + "\r\n")), 400) << value;
  }
  EXPECT_EQ(RefusedWith(Head("Content-Length: 1\r\nContent-length: 1\r\n")), 400);
}

TEST(HttpHead, HeaderLinesAreStrict) {
  EXPECT_EQ(RefusedWith(Head("A : 1\r\n")), 400);
  EXPECT_EQ(RefusedWith(Head(" A: 1\r\n")), 400);
  EXPECT_EQ(RefusedWith(Head("A: 1\r\n b\r\n")), 400);
  EXPECT_EQ(RefusedWith(Head("A\r\n")), 400);
  EXPECT_EQ(RefusedWith(Head(": 1\r\n")), 400);
  EXPECT_EQ(RefusedWith(Head("A: 1\nB: 2\r\n")), 400);
  EXPECT_EQ(RefusedWith(Head("A: 1\rB: 2\r\n")), 400);
  EXPECT_EQ(RefusedWith(Head(std::string("A: \0\r\n", 6))), 400);
  EXPECT_EQ(RefusedWith(Head("\xc3\xa4: 1\r\n")), 400);
}

TEST(HttpHead, WhatIsRefusedShowsNothingBehindItsName) {
  for (const char* line : {"Authorization : Bearer SECRET", "Authorization Bearer SECRET: x",
                           " SECRET: x", "Bearer SECRET", "SECRET"}) {
    const auto parsed = ParseHttpHead(Head(std::string(line) + "\r\n"));
    const auto* const refusal = std::get_if<HttpRefusal>(&parsed);
    ASSERT_NE(refusal, nullptr) << line;
    EXPECT_EQ(refusal->message.find("SECRET"), std::string::npos) << refusal->message;
  }
}

TEST(HttpHead, SizesAreLimited) {
  const auto lines = [](size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += "A: 1\r\n";
    return Head(text);
  };
  EXPECT_EQ(RefusedWith(lines(kHttpHeaderLinesMax)), 0);
  EXPECT_EQ(RefusedWith(lines(kHttpHeaderLinesMax + 1)), 431);
  EXPECT_EQ(RefusedWith(Head("A: " + std::string(kHttpLineBytesMax - 3, 'x') + "\r\n")), 0);
  EXPECT_EQ(RefusedWith(Head("A: " + std::string(kHttpLineBytesMax - 2, 'x') + "\r\n")), 431);
  EXPECT_EQ(RefusedWith("GET /" + std::string(kHttpLineBytesMax, 'x') + " HTTP/1.1\r\n\r\n"), 414);
}

TEST(HttpHead, AnyBytesAreSafe) {
  std::mt19937_64 random(TestSeed());
  constexpr std::string_view kAlphabet = "\r\n\r\n: AZ/?0\t\x80\0HTP1.GET";
  for (int i = 0; i < 50000; ++i) {
    std::string text = i % 2 == 0 ? "" : "GET / HTTP/1.1\r\n";
    for (size_t size = random() % 60; size > 0; --size) {
      text += kAlphabet[random() % kAlphabet.size()];
    }
    ParseHttpHead(text);
  }
}

TEST(HttpBody, GuardsApplyInOrder) {
  const auto check = [](const std::string& headers, bool takes_body = true) {
    const auto refusal = CheckHttpBody(Parsed(Head(headers)), takes_body, 10);
    return refusal.has_value() ? refusal->status : 0;
  };
  EXPECT_EQ(check("Content-Length: 10\r\n"), 0);
  EXPECT_EQ(check("Content-Length: 11\r\n"), 413);
  EXPECT_EQ(check(""), 411);
  EXPECT_EQ(check("Transfer-Encoding: identity\r\nContent-Length: 1\r\n"), 411);
  EXPECT_EQ(check("Transfer-Encoding:\r\nContent-Length: 1\r\n"), 411);
  EXPECT_EQ(check("Content-Encoding: gzip\r\nContent-Length: 1\r\n"), 415);
  EXPECT_EQ(check("Content-Type: application/json\r\nContent-Length: 1\r\n"), 0);
  EXPECT_EQ(check("Content-Type: Application/X-WWW-form-urlencoded;a=b\r\nContent-Length: 1\r\n"),
            415);
  EXPECT_EQ(check("Content-Type: multipart/form-data\r\nContent-Length: 1\r\n"), 415);
  EXPECT_EQ(check("", false), 0);
  EXPECT_EQ(check("Content-Length: 0\r\n", false), 0);
  EXPECT_EQ(check("Content-Length: 1\r\n", false), 400);
  EXPECT_EQ(check("Transfer-Encoding: chunked\r\n", false), 411);
}

TEST(HttpBody, MediaTypeIsWithoutParametersInLowerCase) {
  EXPECT_EQ(MediaTypeOf(" Application/JSON ; charset=utf-8"), "application/json");
  EXPECT_EQ(MediaTypeOf(""), "");
  EXPECT_EQ(MediaTypeOf(";"), "");
}

}  // namespace
}  // namespace alertjoin

// What the server refuses before it reads a body, case by case.

#include <gtest/gtest.h>

#include <string>

#include "tests/integration/http/http_fixture.h"

namespace alertjoin {
namespace {

struct RefusedCase {
  const char* name;
  std::string request;
  int status;
  const char* text;
};

TEST_F(HttpServerTest, GuardsRefuseBeforeTheBodyAndEndTheConnection) {
  HttpServerOptions options;
  options.body_bytes_max = 1000;
  Start(std::move(options));
  const std::string post = "POST /echo HTTP/1.1\r\n";
  const std::string smuggled = GetRequest("/hello");
  const RefusedCase cases[] = {
      {"no length", post + "\r\n" + smuggled, 411, "Content-Length is missing"},
      {"chunked", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 411,
       "Transfer-Encoding"},
      {"empty transfer encoding", post + "Transfer-Encoding:\r\nContent-Length: 0\r\n\r\n", 411,
       "Transfer-Encoding"},
      {"chunked and length",
       post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 411,
       "Transfer-Encoding"},
      {"chunked GET", "GET /hello HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411,
       "Transfer-Encoding"},
      {"two lengths", post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", 400,
       "more than once"},
      {"two equal lengths", post + "Content-Length: 0\r\ncontent-length: 0\r\n\r\n", 400,
       "more than once"},
      {"list of lengths", post + "Content-Length: 0, 0\r\n\r\n", 400, "no number"},
      {"signed length", post + "Content-Length: +5\r\n\r\nhello", 400, "no number"},
      {"encoded length", post + "Content-Length: %35\r\n\r\nhello", 400, "no number"},
      {"negative length", post + "Content-Length: -1\r\n\r\n", 400, "no number"},
      {"huge length", post + "Content-Length: 99999999999999999999\r\n\r\n", 400, "no number"},
      {"too large", post + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x'), 413,
       "the body has 1001 bytes, the limit is 1000"},
      {"gzip", post + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 415,
       "Content-Encoding"},
      {"form",
       post + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
       415, "application/json"},
      {"multipart",
       post + "Content-Type: Multipart/Form-Data; boundary=x\r\nContent-Length: 1\r\n\r\nx", 415,
       "multipart/form-data"},
      {"GET with body", "GET /hello HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 400, "no body"},
      {"unknown path", "POST /nope HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 404,
       "no such path: /nope"},
      {"wrong method", "POST /hello HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405,
       "use GET, HEAD"},
      {"wrong method with body", "DELETE /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405,
       "use POST, PUT"},
      {"long path", "GET /" + std::string(3000, 'a') + " HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
       414, "path longer"},
      {"long address", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n", 414,
       "address longer"},
      {"long header", "GET /hello HTTP/1.1\r\nX: " + std::string(9000, 'a') + "\r\n\r\n", 431,
       "a header longer"},
      {"long head",
       "GET /hello HTTP/1.1\r\n" +
           [] {
             std::string lines;
             for (int i = 0; i < 8; ++i) lines += "X: " + std::string(7000, 'a') + "\r\n";
             return lines;
           }(),
       431, "headers longer than"},
      {"many headers",
       "GET /hello HTTP/1.1\r\n" +
           [] {
             std::string lines;
             for (int i = 0; i < 101; ++i) lines += "X: 1\r\n";
             return lines + "\r\n";
           }(),
       431, "more than 100 headers"},
      {"folded header", "GET /hello HTTP/1.1\r\nX: 1\r\n 2\r\n\r\n", 400, "malformed header"},
      {"space before colon", post + "Content-Length : 5\r\n\r\nhello", 400, "malformed header"},
      {"lone LF", "GET /hello HTTP/1.1\nX: 1\r\n\r\n", 400, "malformed request line"},
      {"lone LF in headers", "GET /hello HTTP/1.1\r\nX: 1\nY: 2\r\n\r\n", 400, "CRLF"},
      {"NUL", std::string("GET /hello HTTP/1.1\r\nX: \0\r\n\r\n", 29), 400, "malformed header"},
      {"no HTTP", "hello\r\n\r\n", 400, "malformed request line"},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\r\n\r\n", 10), 400, "malformed request line"},
      {"other version", "GET /hello HTTP/2.0\r\n\r\n", 505, "HTTP/1.1"},
      {"unknown method", "BREW /hello HTTP/1.1\r\n\r\n", 501, "unknown method \"BREW\""},
      {"asterisk", "OPTIONS * HTTP/1.1\r\n\r\n", 400, "begin with /"},
  };
  for (const RefusedCase& c : cases) {
    SCOPED_TRACE(c.name);
    RawHttpClient client = Connect();
    const auto response = client.Ask(c.request);
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status, c.status);
    EXPECT_NE(response->body.find(c.text), std::string::npos) << response->body;
    EXPECT_EQ(response->body.find('\n'), response->body.size() - 1);
    EXPECT_EQ(response->headers.at("connection"), "close");
    // What follows was not taken for a request: no second answer, and an end in order.
    client.CloseSending();
    EXPECT_TRUE(client.ServerCloses());
    ExpectHello();
  }
}

// A sender with a wrong path loses its alerts without noticing: whoever runs the service must see
// it.
TEST_F(HttpServerTest, APostOnAnUnknownPathIsLogged) {
  Start();
  testing::internal::CaptureStderr();
  EXPECT_EQ(Ask(PostRequest("/typo\"", "{}")).status, 404);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("HTTP request refused"), std::string::npos) << log;
  EXPECT_NE(log.find("/typo"), std::string::npos) << log;
}

}  // namespace
}  // namespace alertjoin

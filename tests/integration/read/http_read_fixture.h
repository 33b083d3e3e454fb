#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/http_server.h"
#include "correlator-service/http/correlator_http.h"
#include "tests/integration/read/read_fixture.h"
#include "tests/support/raw_http_client.h"

namespace alertjoin {

// One server-sent event.
struct SentEvent {
  std::string id;
  std::string event;
  nlohmann::json data;
};

// A reader of /api/v1/stream, over a connection of its own.
class EventReader {
 public:
  // Sends the request; `headers`: further lines, each with CRLF.
  EventReader(int port, std::string_view path, std::string_view headers = "");

  // The status, and without chunks the body.
  const RawHttpResponse& head() const { return head_; }
  // The next event; nothing at the end of the stream.
  std::optional<SentEvent> Next();
  // Skips events up to the next one of the name; fails the test when there is none.
  SentEvent NextNamed(std::string_view name);

 private:
  RawHttpClient client_;
  RawHttpResponse head_;
  std::string text_;
};

// The correlator's reading side over HTTP, with its gRPC server behind it, each on a free port.
class HttpReadTest : public ReadTest {
 protected:
  void StartHttp(Options options = {}, HttpServerOptions http = {});
  ~HttpReadTest() override;

  RawHttpResponse Get(std::string_view path, std::string_view headers = "");
  // A call in the Connect protocol's form.
  RawHttpResponse Call(std::string_view method, std::string_view json,
                       std::string_view headers = "");
  EventReader Events(std::string_view path, std::string_view headers = "") {
    return EventReader(http_->port(), path, headers);
  }
  // Rows 1 to `count`, one a second, in one commit.
  void CommitRows(int count, int first = 1);

  std::unique_ptr<CorrelatorHttp> api_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace alertjoin

#pragma once

#include <memory>
#include <string_view>

#include "common/net/http_connection.h"
#include "common/net/http_server.h"

namespace alertjoin {

// The body of a streamed answer on its connection, to which the head has been written. Used by one
// thread.
class HttpBodyStream final : public HttpStream {
 public:
  // `chunked`: in the chunks of HTTP/1.1, whose end tells a complete body from one that was cut.
  HttpBodyStream(std::shared_ptr<HttpConnection> connection, bool chunked)
      : connection_(std::move(connection)), chunked_(chunked) {}

  bool Write(std::string_view bytes) override;
  bool WaitFor(Millis span) override;

  // Ends the body: nothing is written after it.
  void Complete();

 private:
  const std::shared_ptr<HttpConnection> connection_;
  const bool chunked_;
};

}  // namespace alertjoin

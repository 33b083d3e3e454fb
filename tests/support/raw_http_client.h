#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace alertjoin {

struct RawHttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // By name in lower case.
  std::string body;
};

// A TCP connection to a server on 127.0.0.1 that sends what it is given, well-formed or not, and
// reads answers. Every wait ends after ten seconds. Not thread-safe.
class RawHttpClient {
 public:
  explicit RawHttpClient(int port);
  ~RawHttpClient();
  RawHttpClient(const RawHttpClient&) = delete;
  RawHttpClient& operator=(const RawHttpClient&) = delete;

  // False when the peer does not take all of it.
  bool Send(std::string_view bytes);
  // The next answer; nothing when the connection ends or fails before it is complete. After HEAD
  // there is no body. Of one in chunks the body is left to ReceiveChunk.
  std::optional<RawHttpResponse> Receive(bool after_head = false);
  // The next chunk of a body; empty behind the last one, nothing when it was cut off.
  std::optional<std::string> ReceiveChunk();
  // Send, then Receive.
  std::optional<RawHttpResponse> Ask(std::string_view bytes);
  // Whether something of an answer is there, or the end of the connection. Does not wait.
  bool IsReadable() const;
  // True when the server ends the connection in order, with nothing more sent.
  bool ServerCloses();
  // Reads to the end of the connection: whether it was broken, and not closed.
  bool EndsBroken();
  void CloseSending();

 private:
  bool ReceiveMore();

  int fd_ = -1;
  std::string received_;
};

// A well-formed request with Content-Length and JSON as its type. `headers`: further lines, each
// with CRLF.
std::string PostRequest(std::string_view path, std::string_view body,
                        std::string_view headers = "");
std::string GetRequest(std::string_view path, std::string_view headers = "");

}  // namespace alertjoin

#include "common/net/http_body_stream.h"

#include <fmt/format.h>

namespace alertjoin {
namespace {

// Each chunk has the whole time of a write, so a slow but steady peer is served.
constexpr size_t kChunkBytesMax = 64 << 10;

}  // namespace

bool HttpBodyStream::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view chunk = bytes.substr(0, kChunkBytesMax);
    bytes.remove_prefix(chunk.size());
    if (chunked_) {
      const std::string head = fmt::format("{:x}\r\n", chunk.size());
      connection_->write(head.data(), head.size());
    }
    connection_->write(chunk.data(), chunk.size());
    if (chunked_) connection_->write("\r\n", 2);
    if (!connection_->FlushStream()) return false;
  }
  return true;
}

bool HttpBodyStream::WaitFor(Millis span) {
  return connection_->WaitWhileOpen(StopEvent::Deadline::clock::now() + span);
}

void HttpBodyStream::Complete() {
  constexpr std::string_view kLastChunk = "0\r\n\r\n";
  if (chunked_) connection_->write(kLastChunk.data(), kLastChunk.size());
  connection_->FlushStream();
}

}  // namespace alertjoin

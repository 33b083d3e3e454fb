#include "common/net/http_stream_places.h"

#include <exception>

#include "common/log/log.h"
#include "common/net/http_body_stream.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

void Stream(const std::shared_ptr<HttpConnection>& connection, const HttpStreamer& streamer,
            bool chunked) {
  HttpBodyStream body(connection, chunked);
  bool complete = false;
  try {
    complete = streamer(body);
  } catch (const std::exception& error) {
    LogError("streamed answer failed", {{"error", error.what()}});
  }
  if (complete) body.Complete();
  if (complete || chunked) {
    connection->Close(false);
  } else {
    connection->Break();
  }
}

}  // namespace

HttpStreamPlaces::Place HttpStreamPlaces::Take() {
  if (taken_.fetch_add(1) >= places_max_) {
    --taken_;
    return nullptr;
  }
  return Place(&taken_, [this](void*) { --taken_; });
}

void HttpStreamPlaces::Run(Place place, std::shared_ptr<HttpConnection> connection,
                           HttpStreamer streamer, bool chunked) {
  // There are as many threads as places, and as much room to wait for one that is about to end.
  CHECK(threads_.TrySubmit([place = std::move(place), connection = std::move(connection),
                            streamer = std::move(streamer),
                            chunked] { Stream(connection, streamer, chunked); }));
}

}  // namespace alertjoin

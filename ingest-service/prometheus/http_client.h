#pragma once

#include "common/time/clock.h"
#include "ingest-service/prometheus/http_client_options.h"
#include "ingest-service/prometheus/http_transport.h"

namespace alertjoin {

// An HttpTransport that speaks to its servers as the options say: it adds credentials, headers and
// TLS to each call, bounds the answer, and follows redirects within the call's origin, all within
// the call's one deadline. Everything that comes from a file is read for each call.
//
// The servers never get at more than the configuration gives them, and no reader of logs does: a
// redirect to another origin is FAILED_PRECONDITION, and in the messages of errors, and in answers
// that are no success, what was sent as a secret is replaced by <secret> (secrets of fewer than 4
// bytes apart). A file that cannot be read is UNAUTHENTICATED; no call is made then.
//
// Thread-safe. The transport and the clock must outlive it and its calls; calls do not need it.
class HttpClient final : public HttpTransport {
 public:
  HttpClient(HttpClientOptions options, HttpTransport& transport,
             const Clock& clock = SystemClock());

  // Adds to what the call has. May read files on the caller's thread.
  void Start(HttpCall call, Done done) override;

 private:
  const HttpClientOptions options_;
  HttpTransport& transport_;
  const Clock& clock_;
};

}  // namespace alertjoin

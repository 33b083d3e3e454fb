#pragma once

#include "common/net/http_server.h"

namespace prometheus {
class Registry;
}

namespace alertjoin {

// An observer that counts answers as alertjoin_http_requests_total{method,path,code}: `path` is the
// handler's pattern, "" for what reached no handler; and times those that reached one, as
// alertjoin_http_request_duration_seconds{path}. The registry must outlive the server.
HttpObserver CountHttpRequests(prometheus::Registry& registry);

// An observer that counts alertjoin_http_overload_refused_total{reason}, each reason from 0 on. The
// same of the registry.
HttpOverloadObserver CountHttpOverload(prometheus::Registry& registry);

}  // namespace alertjoin

#pragma once

#include "common/net/http_server.h"

namespace prometheus {
class Registry;
}

namespace alertjoin {

// An observer that counts answers as alertjoin_http_requests_total{method,path,code}: `path` is the
// handler's pattern, "" for what reached no handler. The registry must outlive the server.
HttpObserver CountHttpRequests(prometheus::Registry& registry);

}  // namespace alertjoin

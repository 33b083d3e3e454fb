#pragma once

#include "common/service/service_main.h"

namespace alertjoin {

// `correlator-service payloads`: prints the bodies of all notifications that are kept, oldest
// first, one JSON object a line: received_time, source, body. Posted again, in this order, they
// make the same history. The service must not be running.
ServiceCommand PayloadsCommand();

}  // namespace alertjoin

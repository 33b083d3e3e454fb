#pragma once

#include "common/service/service_main.h"

namespace alertjoin {

// `backfill`: asks metrics sources for the past of one query and hands it to the correlator, beside
// the service, which may run meanwhile or not. It has a spool and a producer id of its own, made of
// what is asked for: whoever starts it again goes on with both. Fails when anything is missing in
// the end.
ServiceCommand BackfillCommand();

}  // namespace alertjoin

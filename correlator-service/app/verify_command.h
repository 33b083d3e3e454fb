#pragma once

#include "common/service/service_main.h"

namespace alertjoin {

// `correlator-service verify`: compares the stored rows and alerts with the join of the stored log
// by its plain rules (verify_rows.h), while the service does not run. An error when they differ.
ServiceCommand VerifyCommand();

}  // namespace alertjoin

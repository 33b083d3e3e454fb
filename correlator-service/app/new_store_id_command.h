#pragma once

#include "common/service/service_main.h"

namespace alertjoin {

// `correlator-service new-store-id`: gives the store on disk another id, so that tokens and cursors
// from before are refused as foreign. For a store that was put back to an older state: the
// sequences that it gives from there on are of another history than those that were told.
ServiceCommand NewStoreIdCommand();

}  // namespace alertjoin

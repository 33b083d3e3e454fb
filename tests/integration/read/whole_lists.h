#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "alertjoin/v1/correlator_service.grpc.pb.h"

namespace alertjoin {

// A test that waits for ever fails instead.
inline constexpr std::chrono::seconds kRecordingDeadline{120};

// Throws with the text when it does not hold, which fails the tests that ask for what is recorded.
void Require(bool condition, const std::string& what);

// All that a subscriber with this request would have in the end, page by page. `sequence` is that
// of the last page. Throws when a call fails.
std::vector<v1::JoinedRow> ListAll(v1::CorrelatorService::Stub& stub,
                                   const v1::SubscribeJoinedRowsRequest& filter,
                                   uint64_t* sequence);
std::vector<v1::Alert> ListAll(v1::CorrelatorService::Stub& stub,
                               const v1::SubscribeAlertsRequest& filter, uint64_t* sequence);
// All samples that are held.
std::vector<v1::SeriesSamples> ListAllSamples(v1::CorrelatorService::Stub& stub);

}  // namespace alertjoin

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alertjoin/v1/correlator_service.grpc.pb.h"

namespace alertjoin {

// What one subscriber received, over all its streams: it was cut off again and again, by itself and
// by the correlator's restarts, and went on with its last token.
template <typename Request, typename Response>
struct RecordingOf {
  Request request;                 // Without a token.
  std::vector<Response> messages;  // Without `started`.
  int streams = 0;
};
using Recording = RecordingOf<v1::SubscribeJoinedRowsRequest, v1::SubscribeJoinedRowsResponse>;
using AlertRecording = RecordingOf<v1::SubscribeAlertsRequest, v1::SubscribeAlertsResponse>;

using SampleRecording = RecordingOf<v1::SubscribeSamplesRequest, v1::SubscribeSamplesResponse>;

// A real correlator-service on disk, under load, restarted while several subscribers with different
// filters follow it, two with each: one that is cut off often and one that is not.
struct RecordedRun {
  std::vector<Recording> recordings;
  // The first is of a subscriber without a filter that is cut off by restarts only.
  const Recording& reference() const { return recordings.front(); }
  // The list for each recording's filter, and its sequence: nothing came after it.
  std::vector<std::vector<v1::JoinedRow>> lists;
  // The same of alerts, with filters of their own.
  std::vector<AlertRecording> alert_recordings;
  std::vector<std::vector<v1::Alert>> alert_lists;
  uint64_t last_sequence = 0;
  // Of all samples, and those that were held at the end.
  SampleRecording samples;
  std::vector<v1::SeriesSamples> listed_samples;
  int restarts = 0;
};

// One run for all tests of the program.
const RecordedRun& TheRecordedRun();

}  // namespace alertjoin

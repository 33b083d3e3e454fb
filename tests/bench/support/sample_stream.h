#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "alertjoin/v1/ingest_service.grpc.pb.h"
#include "alertjoin/v1/joined_row.pb.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// What a producer sends: series that are all sampled every 15 s, one scrape after the other, in
// batches of samples, one a message; and behind them a message of alerts, each of its own series,
// that fire in the middle of that time.
struct SampleStreamOptions {
  size_t series = 50'000;
  size_t samples_per_series = 100;
  size_t batch_samples = 1'000;
  size_t alerts = 1'000;  // At most kBatchEventsMax, and `series`.
  // Batches of samples in one message.
  size_t batches_per_message = 1;
  // The last scrape.
  Timestamp newest;
};

struct SampleStream {
  SampleStreamOptions options;
  // The messages behind the hello, in order; the series are defined where they come first.
  std::vector<v1::PushEventsRequest> messages;
  size_t samples = 0;
  uint64_t last_sequence = 0;
};
SampleStream MakeSampleStream(const SampleStreamOptions& options);

// Ends the program when the row is not what the stream makes of one of its alerts.
void CheckRow(const SampleStream& stream, const v1::JoinedRow& row);

// Pushes all of the stream over a new connection, as a producer of which the server knows nothing
// yet, and returns when the last event is acknowledged. Ends the program on an error.
void PushAll(const std::string& address, const SampleStream& stream);

// Counts the samples that it is sent, and acknowledges; what it counted is checked by Samples().
class CountingIngestService final : public v1::IngestService::CallbackService {
 public:
  grpc::ServerBidiReactor<v1::PushEventsRequest, v1::PushEventsResponse>* PushEvents(
      grpc::CallbackServerContext* context) override;
  // Of the last stream that has ended.
  size_t samples() const { return *samples_; }

 private:
  const std::shared_ptr<std::atomic<size_t>> samples_ = std::make_shared<std::atomic<size_t>>(0);
};

}  // namespace alertjoin

#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "correlator-service/pipeline/sample_round.h"
#include "correlator-service/rows/row_store.h"
#include "correlator-service/subscribe/row_selection.h"

namespace alertjoin {

// The messages of a subscription as plain structs. Their meaning is stated in
// proto/alertjoin/v1/correlator_service.proto.

struct StartedMessage {
  std::string store_id;
  Sequence sequence;
};

template <typename Stream>
struct EntriesMessage {
  // After the snapshot, one part for each change set that has some for the subscriber.
  StreamEntries<Stream> entries;
};
using RowsMessage = EntriesMessage<RowStream>;
using AlertsMessage = EntriesMessage<AlertStream>;

struct SnapshotCompleteMessage {
  Sequence sequence;
};

struct ProgressMessage {
  Sequence sequence;
  Timestamp send_time;
  std::shared_ptr<const ProgressBoard> queries;  // Never null.
  std::string query_name;                        // Only queries of this name; empty: all.
};

struct GapMessage {
  SharedChangeSet set;     // Its gap.
  bool anonymous = false;  // Nothing is said of what is missing but when.
};

// Place of a sample in a round.
struct ChosenSample {
  uint32_t batch = 0;
  uint32_t index = 0;
};

// Samples of one round for one subscriber, in order.
struct SamplesPart {
  SharedSampleRound round;
  std::vector<ChosenSample> chosen;
};

struct SamplesMessage {
  std::vector<SamplesPart> parts;
};

struct SampleGapMessage {
  SharedSampleRound round;
  size_t index = 0;  // Among its gaps.
  bool anonymous = false;
};

struct SubscriptionMessage {
  std::variant<StartedMessage, RowsMessage, SnapshotCompleteMessage, ProgressMessage, GapMessage,
               AlertsMessage, SamplesMessage, SampleGapMessage>
      body;
  std::string resume_token;
};

}  // namespace alertjoin

// libFuzzer target: histories of encoded events, applied to the engine and to the naive join. After
// every batch and every expiry both must have the same rows, and the changes must add up to them.
//
// The input says step by step what happens: an event of SmallEvents comes, sound or with some of
// its encoded bytes changed; plain bytes come instead of an event; a batch ends; the horizons move;
// the stream is opened anew. Every event passes through its encoded form, and what the decoder
// accepts but Bounds does not is left out. What the decoder refuses ends the stream, as it does
// between the services.
//
//   cmake --preset fuzz && cmake --build --preset fuzz
//   build/fuzz/tests/fuzz/engine_fuzz -max_total_time=60 FOLDER-FOR-THE-CORPUS
//   build/fuzz/tests/fuzz/engine_fuzz INPUT     one input again, such as a crash-... file

#include <fmt/format.h>
#include <fuzzer/FuzzedDataProvider.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "alertjoin/v1/events.pb.h"
#include "common/event/event_codec.h"
#include "common/event/event_rules.h"
#include "tests/fuzz/small_events.h"
#include "tests/support/checked_engine.h"

namespace alertjoin {
namespace {

// The naive join computes all rows anew at each step: what an input says beyond these is left out.
constexpr size_t kEventsMax = 40;
constexpr size_t kStepsMax = 100;
constexpr size_t kSeriesMax = 8;  // Of a stream: few enough to be reached.
constexpr size_t kPlainBytesMax = 200;
constexpr int64_t kHorizonMax = 110;

void Require(const std::string& wrong) {
  if (wrong.empty()) return;
  fmt::print(stderr, "{}\n", wrong);
  std::abort();
}

class Run {
 public:
  explicit Run(FuzzedDataProvider& data) : data_(data) {}

  void Execute() {
    for (size_t step = 0; step < kStepsMax; ++step) {
      if (data_.remaining_bytes() == 0 || applied_.size() >= kEventsMax) break;
      Step();
    }
    EndBatch();
    if (!has_expired_ && !HasTies()) RequireTheSameBackwards();
  }

 private:
  void Step() {
    switch (data_.ConsumeIntegralInRange(0, 15)) {
      case 0:
      case 1:
      case 2:
        return EndBatch();
      case 3:
        return Expire();
      case 4:
        return data_.ConsumeBool() ? OpenStream() : Restart();
      case 5:
        return Receive(data_.ConsumeRandomLengthString(kPlainBytesMax));
      case 6:
        return Receive(Damaged(Encoded(SmallEvents(data_).Next())));
      case 7:  // What came before comes again.
        if (!applied_.empty()) Take(applied_[Index(applied_.size())]);
        return;
      default:
        return Receive(Encoded(SmallEvents(data_).Next()));
    }
  }

  size_t Index(size_t size) { return data_.ConsumeIntegralInRange<size_t>(0, size - 1); }

  std::string Encoded(const Event& event) {
    v1::Event message;
    encoder_->Encode(event, &message);
    return message.SerializeAsString();
  }

  std::string Damaged(std::string bytes) {
    for (int changes = data_.ConsumeIntegralInRange(1, 3); changes > 0 && !bytes.empty();
         --changes) {
      bytes[Index(bytes.size())] = data_.ConsumeIntegral<char>();
    }
    return bytes;
  }

  void Receive(const std::string& bytes) {
    v1::Event message;
    if (!message.ParseFromString(bytes)) return;
    const auto event = decoder_->Decode(message);
    if (!event.ok()) return OpenStream();
    // Whoever passes an event on encodes it again.
    Require(CheckEvent(*event).ok() ? "" : "the decoder accepts what breaks a rule");
    if (bounds_.Admit(*event)) Take(*event);
  }

  void Take(Event event) {
    applied_.push_back(event);
    batch_.push_back(std::move(event));
  }

  void OpenStream() {
    encoder_.emplace();
    decoder_.emplace(kSeriesMax);
  }

  void EndBatch() {
    if (batch_.empty()) return;
    Require(engine_.Apply(batch_));
    batch_.clear();
  }

  void Expire() {
    EndBatch();
    const auto horizon = [this] {
      return Timestamp::FromMillis(data_.ConsumeIntegralInRange<int64_t>(0, kHorizonMax));
    };
    const Timestamp samples = horizon();
    Require(engine_.Expire(samples, horizon()));
    has_expired_ = true;
  }

  void Restart() {
    EndBatch();
    engine_.TrimLog();
    Require(engine_.Restart());
  }

  // Whether a sample came with two values: the later wins, so that order matters.
  bool HasTies() const {
    std::map<std::tuple<Query, LabelSet, Timestamp>, double> values;
    for (const Event& event : applied_) {
      const auto* batch = std::get_if<SampleBatch>(&event);
      for (size_t i = 0; batch != nullptr && i < batch->size(); ++i) {
        const SeriesKey& key = *batch->series[batch->series_index[i]];
        const auto known =
            values.try_emplace({*key.query, key.labels, batch->times[i]}, batch->values[i]);
        if (!SameValue(known.first->second, batch->values[i])) return true;
      }
    }
    return false;
  }

  void RequireTheSameBackwards() {
    CheckedEngine backwards(ids_);
    std::reverse(applied_.begin(), applied_.end());
    Require(backwards.Apply(applied_));
    if (backwards.RowsWithIds() == engine_.RowsWithIds()) return;
    Require(fmt::format("backwards the rows are\n{}\ninstead of\n{}",
                        fmt::join(backwards.RowsWithIds(), "\n"),
                        fmt::join(engine_.RowsWithIds(), "\n")));
  }

  FuzzedDataProvider& data_;
  std::optional<EventEncoder> encoder_{std::in_place};
  std::optional<EventDecoder> decoder_{std::in_place, kSeriesMax};
  Bounds bounds_;
  RowIds ids_;
  CheckedEngine engine_{ids_};
  std::vector<Event> batch_;
  std::vector<Event> applied_;  // All of them.
  bool has_expired_ = false;
};

}  // namespace
}  // namespace alertjoin

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // It has a line for each string that is no UTF-8.
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  FuzzedDataProvider data(bytes, size);
  alertjoin::Run(data).Execute();
  return 0;
}

#include "correlator-service/pipeline/sample_round.h"

#include <google/protobuf/arena.h>

#include <utility>

#include "common/event/event_parts.h"
#include "common/status/status.h"
#include "correlator-service/pipeline/log_record.h"

namespace alertjoin {
namespace {

constexpr size_t kBytesPerSample = sizeof(uint32_t) + sizeof(Timestamp) + sizeof(double);
constexpr size_t kBytesPerGap = 512;

size_t ApproximateBytes(const SampleRound& round) {
  return sizeof(SampleRound) + round.batches.size() * sizeof(SampleBatch) +
         round.samples * kBytesPerSample + round.gaps.size() * kBytesPerGap;
}

}  // namespace

absl::Status SampleRoundDecoder::Define(std::string_view bytes) {
  google::protobuf::Arena arena;
  ASSIGN_OR_RETURN(storage::v1::LogRecord* const record, ParseLogRecord(bytes, &arena));
  for (v1::Event& event : *record->mutable_events()) RETURN_IF_ERROR(DefineOne(&event));
  for (storage::v1::LoggedEvent& logged : *record->mutable_logged_events()) {
    RETURN_IF_ERROR(DefineOne(logged.mutable_event()));
  }
  for (v1::Event& event : *record->mutable_carried()) RETURN_IF_ERROR(DefineOne(&event));
  return absl::OkStatus();
}

absl::Status SampleRoundDecoder::DefineOne(v1::Event* event) {
  if (!event->has_samples()) return absl::OkStatus();
  v1::SampleBatch* const batch = event->mutable_samples();
  if (batch->queries_size() == 0 && batch->series_size() == 0) return absl::OkStatus();
  // What is left of it are the definitions.
  batch->clear_series_refs();
  batch->clear_times_ms();
  batch->clear_values();
  const auto defined = decoder_.Decode(*event);
  return defined.ok() ? absl::OkStatus() : DamagedRecord(MessageOf(defined.status()));
}

absl::StatusOr<SampleRound> SampleRoundDecoder::Decode(LogPosition position, std::string_view bytes,
                                                       bool is_known) {
  google::protobuf::Arena arena;
  ASSIGN_OR_RETURN(storage::v1::LogRecord* const record, ParseLogRecord(bytes, &arena));
  SampleRound round;
  round.position = position;
  round.time = Timestamp::FromMillis(record->time_ms());
  for (v1::Event& event : *record->mutable_events()) {
    RETURN_IF_ERROR(DecodeOne(&event, is_known, &round));
  }
  for (storage::v1::LoggedEvent& logged : *record->mutable_logged_events()) {
    RETURN_IF_ERROR(UnpackEvent(&logged));
    RETURN_IF_ERROR(DecodeOne(logged.mutable_event(), is_known, &round));
  }
  if (!is_known) {
    for (v1::Event& event : *record->mutable_carried()) RETURN_IF_ERROR(DefineOne(&event));
  }
  round.bytes = ApproximateBytes(round);
  return round;
}

absl::Status SampleRoundDecoder::DecodeOne(v1::Event* event, bool is_known, SampleRound* round) {
  if (!event->has_samples() && !event->has_gap()) return absl::OkStatus();
  if (event->has_samples() && is_known) {
    event->mutable_samples()->clear_queries();
    event->mutable_samples()->clear_series();
  }
  auto decoded = decoder_.Decode(*event);
  if (!decoded.ok()) return DamagedRecord(MessageOf(decoded.status()));
  if (auto* const batch = std::get_if<SampleBatch>(&*decoded)) {
    round->samples += batch->size();
    round->batches.push_back(std::move(*batch));
  } else {
    round->gaps.push_back(std::get<Gap>(*std::move(decoded)));
  }
  return absl::OkStatus();
}

}  // namespace alertjoin

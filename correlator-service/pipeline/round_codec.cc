#include "correlator-service/pipeline/round_codec.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <limits>

#include "alertjoin/storage/v1/log_record.pb.h"
#include "common/status/status.h"
#include "correlator-service/pipeline/log_record.h"
#include "correlator-service/pipeline/sample_columns.h"

namespace alertjoin {
namespace {

void EncodeProducer(const ProducerPosition& position, storage::v1::ProducerPosition* out) {
  out->set_producer_id(position.producer_id);
  out->set_log_id(position.log_id);
  out->set_epoch(position.epoch);
  out->set_last_sequence(position.last_sequence);
}

ProducerPosition DecodeProducer(const storage::v1::ProducerPosition& in) {
  return {in.producer_id(), in.log_id(), in.epoch(), in.last_sequence()};
}

void EncodeEvent(const Event& event, EventEncoder& encoder, storage::v1::LoggedEvent* out) {
  const auto* const samples = std::get_if<SampleBatch>(&event);
  if (samples == nullptr) return encoder.Encode(event, out->mutable_event());
  v1::SampleBatch* const batch = out->mutable_event()->mutable_samples();
  PackColumns(*samples, encoder.EncodeDefinitions(*samples, batch), batch, out->mutable_columns());
}

absl::Status DecodeEvent(const v1::Event& event, EventDecoder& decoder, std::vector<Event>* out) {
  auto decoded = decoder.Decode(event);
  if (!decoded.ok()) return DamagedRecord(MessageOf(decoded.status()));
  out->push_back(*std::move(decoded));
  return absl::OkStatus();
}

// Changes `in`: its columns go to its events.
absl::Status DecodeLoggedEvents(storage::v1::LogRecord& in, EventDecoder& decoder,
                                std::vector<Event>* out) {
  out->reserve(out->size() + static_cast<size_t>(in.logged_events_size()));
  for (storage::v1::LoggedEvent& logged : *in.mutable_logged_events()) {
    RETURN_IF_ERROR(UnpackEvent(&logged));
    RETURN_IF_ERROR(DecodeEvent(logged.event(), decoder, out));
  }
  return absl::OkStatus();
}

absl::Status DecodeEvents(const google::protobuf::RepeatedPtrField<v1::Event>& in,
                          EventDecoder& decoder, std::vector<Event>* out) {
  out->reserve(static_cast<size_t>(in.size()));
  for (const v1::Event& event : in) RETURN_IF_ERROR(DecodeEvent(event, decoder, out));
  return absl::OkStatus();
}

}  // namespace

std::string RoundEncoder::Encode(const Round& round) {
  google::protobuf::Arena arena;
  auto* record = google::protobuf::Arena::CreateMessage<storage::v1::LogRecord>(&arena);
  if (encoder_ == nullptr) {
    encoder_ = std::make_unique<EventEncoder>();
    record->set_begins_segment(true);
  }
  record->set_time_ms(round.time.millis());
  if (round.horizons) {
    record->mutable_horizons()->set_sample_horizon_ms(round.horizons->samples.millis());
    record->mutable_horizons()->set_row_horizon_ms(round.horizons->rows.millis());
  }
  for (const Event& event : round.events) {
    EncodeEvent(event, *encoder_, record->add_logged_events());
  }
  for (const auto& producer : round.producers) EncodeProducer(producer, record->add_producers());
  for (const Event& event : round.carried) encoder_->Encode(event, record->add_carried());
  std::string bytes(1, kLogRecordFormat);
  CHECK(record->AppendToString(&bytes));
  return bytes;
}

absl::StatusOr<Round> RoundDecoder::Decode(std::string_view bytes) {
  google::protobuf::Arena arena;
  ASSIGN_OR_RETURN(storage::v1::LogRecord* const record, ParseLogRecord(bytes, &arena));
  begins_segment_ = record->begins_segment();
  if (begins_segment_) {
    decoder_ = std::make_unique<EventDecoder>(std::numeric_limits<size_t>::max());
  }
  if (decoder_ == nullptr) return DamagedRecord("no segment begins at or before it");
  Round round;
  round.time = Timestamp::FromMillis(record->time_ms());
  if (record->has_horizons()) {
    round.horizons.emplace(Horizons{Timestamp::FromMillis(record->horizons().sample_horizon_ms()),
                                    Timestamp::FromMillis(record->horizons().row_horizon_ms())});
  }
  RETURN_IF_ERROR(DecodeEvents(record->events(), *decoder_, &round.events));
  RETURN_IF_ERROR(DecodeLoggedEvents(*record, *decoder_, &round.events));
  for (const auto& producer : record->producers()) {
    round.producers.push_back(DecodeProducer(producer));
  }
  RETURN_IF_ERROR(DecodeEvents(record->carried(), *decoder_, &round.carried));
  return round;
}

Timestamp NewestSampleTime(const Round& round) {
  Timestamp newest = Timestamp::Min();
  for (const std::vector<Event>* const events : {&round.events, &round.carried}) {
    for (const Event& event : *events) {
      const auto* const samples = std::get_if<SampleBatch>(&event);
      if (samples == nullptr || samples->size() == 0) continue;
      newest = std::max(newest, *std::max_element(samples->times.begin(), samples->times.end()));
    }
  }
  return newest;
}

}  // namespace alertjoin

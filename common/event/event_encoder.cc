#include "common/event/event_encoder.h"

#include <utility>

#include "common/event/event_parts.h"
#include "common/event/packed_body.h"
#include "common/event/transition_codec.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr uint32_t kNotYet = 0;  // References start at 1.
// Tables whose references are remembered.
constexpr size_t kTablesMax = 64;

}  // namespace

EventEncoder::LabelledQuery::LabelledQuery(uint32_t its_query_ref,
                                           std::shared_ptr<const SeriesKey> its_series)
    : hash(its_series->labels.Hash() * 31 + its_query_ref),
      query_ref(its_query_ref),
      series(std::move(its_series)) {}

void EventEncoder::Encode(const Event& event, v1::Event* out) {
  if (const auto* transition = TransitionOf(event)) {
    EncodeTransition(*transition, out->mutable_transition());
    for (const auto& binding : transition->bindings) {
      EncodeBinding(*binding, out->mutable_transition()->add_bindings());
    }
  } else if (const auto* samples = std::get_if<SampleBatch>(&event)) {
    EncodeSamples(*samples, out->mutable_samples());
  } else if (const auto* progress = std::get_if<QueryProgress>(&event)) {
    EncodeProgress(*progress, out->mutable_progress());
  } else if (const auto* gap = std::get_if<Gap>(&event)) {
    EncodeGap(*gap, out->mutable_gap());
  } else if (const auto* payload = std::get_if<RawPayload>(&event)) {
    v1::RawPayload* raw = out->mutable_raw_payload();
    raw->set_source(payload->source);
    *raw->mutable_received_time() = EncodeTime(payload->received_time);
    if (std::string packed = PackBody(payload->body); packed.empty()) {
      raw->set_body(payload->body);
    } else {
      raw->set_lz4_body(std::move(packed));
      raw->set_body_bytes(static_cast<uint32_t>(payload->body.size()));
    }
  } else if (const auto* error = std::get_if<QueryError>(&event)) {
    EncodeQueryError(*error, out->mutable_query_error());
  } else {
    EncodeSourceStatus(std::get<SourceStatus>(event), out->mutable_source_status());
  }
}

void EventEncoder::EncodeSamples(const SampleBatch& batch, v1::SampleBatch* out) {
  CHECK(batch.series_index.size() == batch.size() && batch.values.size() == batch.size());
  const std::span<const uint32_t> refs = EncodeDefinitions(batch, out);
  const auto samples = static_cast<int>(batch.size());
  out->mutable_series_refs()->Reserve(samples);
  uint32_t* ref = out->mutable_series_refs()->AddNAlreadyReserved(samples);
  for (const uint32_t index : batch.series_index) *ref++ = refs[index];
  out->mutable_times_ms()->Reserve(samples);
  int64_t* time_ms = out->mutable_times_ms()->AddNAlreadyReserved(samples);
  for (const Timestamp time : batch.times) *time_ms++ = time.millis();
  out->mutable_values()->Add(batch.values.begin(), batch.values.end());
}

std::span<const uint32_t> EventEncoder::EncodeDefinitions(const SampleBatch& batch,
                                                          v1::SampleBatch* out) {
  Refs& refs = RefsOf(batch.series);
  for (const uint32_t index : batch.series_index) {
    if (index >= refs.size()) refs.resize(index + size_t{1}, kNotYet);
    if (refs[index] != kNotYet) continue;
    CHECK(batch.series[index] != nullptr);
    refs[index] = SeriesRef(batch.series[index], out);
  }
  *out->mutable_received_time() = EncodeTime(batch.received_time);
  return refs;
}

uint32_t EventEncoder::QueryRef(const Query& query, v1::SampleBatch* out) {
  const auto next = static_cast<uint32_t>(query_refs_.size() + 1);
  const auto [entry, added] = query_refs_.try_emplace(query, next);
  if (added) {
    v1::QueryDefinition* definition = out->add_queries();
    definition->set_query_ref(next);
    EncodeQuery(query, definition->mutable_query());
  }
  return entry->second;
}

EventEncoder::Refs& EventEncoder::RefsOf(const SeriesTable& table) {
  const auto known = tables_.find(table.id());
  if (known != tables_.end()) return known->second.refs;
  if (tables_.size() >= kTablesMax) tables_.clear();
  return tables_.emplace(table.id(), KnownTable{table, {}}).first->second.refs;
}

uint32_t EventEncoder::SeriesRef(const std::shared_ptr<const SeriesKey>& series,
                                 v1::SampleBatch* out) {
  const uint32_t query_ref = QueryRef(*series->query, out);
  const auto next = static_cast<uint32_t>(refs_by_content_.size() + 1);
  const auto [ref, added] = refs_by_content_.TryEmplace(LabelledQuery(query_ref, series), next);
  if (added) {
    v1::SeriesDefinition* definition = out->add_series();
    definition->set_series_ref(next);
    definition->set_query_ref(query_ref);
    EncodeLabels(series->labels, definition->mutable_labels());
  }
  return ref;
}

}  // namespace alertjoin

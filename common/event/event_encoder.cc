#include "common/event/event_encoder.h"

#include "common/event/event_parts.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

void EncodeBinding(const Binding& binding, v1::Binding* out) {
  EncodeQuery(binding.query, out->mutable_query());
  out->set_matching(static_cast<v1::Binding::Matching>(binding.matching));
  for (const std::string& name : binding.on) out->add_on(name);
  out->set_strict(binding.strict);
  out->set_first_after(binding.first_after);
  *out->mutable_tolerance() = EncodeSpan(binding.tolerance);
  out->set_comparison_operator(binding.comparison_operator);
  if (binding.threshold.has_value()) out->set_threshold(*binding.threshold);
}

void EncodeTransition(const TransitionEvent& event, v1::TransitionEvent* out) {
  out->set_source(event.source);
  out->set_fingerprint(event.fingerprint);
  out->set_state(static_cast<v1::AlertState>(event.state));
  *out->mutable_starts_at() = EncodeTime(event.starts_at);
  if (event.ends_at.has_value()) *out->mutable_ends_at() = EncodeTime(*event.ends_at);
  EncodeLabels(event.labels, out->mutable_labels());
  EncodeLabels(event.annotations, out->mutable_annotations());
  out->set_generator_url(event.generator_url);
  out->set_origin(static_cast<v1::Origin>(event.origin));
  EncodeNotification(event.notification, out->mutable_notification());
  if (event.reported_value.has_value()) out->set_reported_value(*event.reported_value);
  for (const auto& [name, value] : event.reported_values) {
    (*out->mutable_reported_values())[name] = value;
  }
  *out->mutable_received_time() = EncodeTime(event.received_time);
  for (const auto& binding : event.bindings) EncodeBinding(*binding, out->add_bindings());
  out->set_traceparent(event.traceparent);
}

}  // namespace

size_t EventEncoder::LabelledQueryHash::operator()(const LabelledQuery& key) const {
  return static_cast<size_t>(key.labels.Hash() * 31 + key.query_ref);
}

void EventEncoder::Encode(const Event& event, v1::Event* out) {
  if (const auto* transition = TransitionOf(event)) {
    EncodeTransition(*transition, out->mutable_transition());
  } else if (const auto* samples = std::get_if<SampleBatch>(&event)) {
    EncodeSamples(*samples, out->mutable_samples());
  } else if (const auto* progress = std::get_if<QueryProgress>(&event)) {
    EncodeProgress(*progress, out->mutable_progress());
  } else {
    EncodeGap(std::get<Gap>(event), out->mutable_gap());
  }
}

void EventEncoder::EncodeSamples(const SampleBatch& batch, v1::SampleBatch* out) {
  CHECK(batch.series_index.size() == batch.size() && batch.values.size() == batch.size());
  constexpr uint32_t kNotYet = 0;  // References start at 1.
  std::vector<uint32_t> refs(batch.series.size(), kNotYet);
  const int samples = static_cast<int>(batch.size());
  out->mutable_series_refs()->Reserve(samples);
  out->mutable_times_ms()->Reserve(samples);
  for (size_t i = 0; i < batch.size(); ++i) {
    const uint32_t index = batch.series_index[i];
    CHECK(index < refs.size());
    if (refs[index] == kNotYet) refs[index] = SeriesRef(*batch.series[index], out);
    out->add_series_refs(refs[index]);
    out->add_times_ms(batch.times[i].millis());
  }
  out->mutable_values()->Add(batch.values.begin(), batch.values.end());
  *out->mutable_received_time() = EncodeTime(batch.received_time);
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

uint32_t EventEncoder::SeriesRef(const SeriesKey& series, v1::SampleBatch* out) {
  const uint32_t query_ref = QueryRef(*series.query, out);
  const auto next = static_cast<uint32_t>(refs_by_content_.size() + 1);
  const auto [entry, added] = refs_by_content_.try_emplace({query_ref, series.labels}, next);
  if (added) {
    v1::SeriesDefinition* definition = out->add_series();
    definition->set_series_ref(next);
    definition->set_query_ref(query_ref);
    EncodeLabels(series.labels, definition->mutable_labels());
  }
  return entry->second;
}

}  // namespace alertjoin

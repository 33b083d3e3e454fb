#include "common/event/event_decoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/event/event_parts.h"
#include "common/event/event_rules.h"
#include "common/event/packed_body.h"
#include "common/event/transition_codec.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

absl::StatusOr<Event> DecodeTransitionEvent(const v1::TransitionEvent& in, BindingTable& bindings) {
  TransitionEvent event;
  ASSIGN_OR_RETURN(static_cast<Transition&>(event), DecodeTransition(in));
  for (int i = 0; i < in.bindings_size(); ++i) {
    ASSIGN_OR_RETURN(Binding binding,
                     DecodeBinding(in.bindings(i), fmt::format("transition.bindings[{}]", i)));
    event.bindings.push_back(bindings.Intern(std::move(binding)));
  }
  return event;
}

absl::StatusOr<Event> DecodeProgress(const v1::QueryProgress& in) {
  if (!in.has_query()) return MalformedEvent("progress.query", "is required");
  if (!in.has_complete_from()) return MalformedEvent("progress.complete_from", "is required");
  if (!in.has_complete_through()) return MalformedEvent("progress.complete_through", "is required");
  QueryProgress progress;
  progress.query = DecodeQuery(in.query());
  ASSIGN_OR_RETURN(progress.complete_from,
                   DecodeTime(in.complete_from(), "progress.complete_from"));
  ASSIGN_OR_RETURN(progress.complete_through,
                   DecodeTime(in.complete_through(), "progress.complete_through"));
  return progress;
}

absl::Status DecodeTimes(const v1::SampleBatch& in, SampleBatch& batch) {
  batch.times.resize(static_cast<size_t>(in.times_ms_size()));
  const int64_t* const times_ms = in.times_ms().data();
  int64_t least = 0;
  int64_t greatest = 0;
  for (size_t i = 0; i < batch.times.size(); ++i) {
    batch.times[i] = Timestamp::FromMillis(times_ms[i]);
    least = std::min(least, times_ms[i]);
    greatest = std::max(greatest, times_ms[i]);
  }
  for (const int64_t ms : {least, greatest}) {
    if (ms >= Timestamp::Min().millis() && ms <= Timestamp::Max().millis()) continue;
    return MalformedEvent("samples.times_ms", fmt::format("{} is outside the years 1 to 9999", ms));
  }
  return absl::OkStatus();
}

absl::StatusOr<Event> DecodeRawPayload(const v1::RawPayload& in) {
  if (!in.has_received_time()) return MalformedEvent("raw_payload.received_time", "is required");
  RawPayload payload;
  payload.source = in.source();
  ASSIGN_OR_RETURN(payload.received_time,
                   DecodeTime(in.received_time(), "raw_payload.received_time"));
  if (in.lz4_body().empty()) {
    if (in.body_bytes() != 0) {
      return MalformedEvent("raw_payload.body_bytes", "belongs to lz4_body, which is empty");
    }
    payload.body = in.body();
    return payload;
  }
  if (!in.body().empty()) {
    return MalformedEvent("raw_payload.body", "is there along with lz4_body");
  }
  ASSIGN_OR_RETURN(payload.body, UnpackBody(in.lz4_body(), in.body_bytes()));
  return payload;
}

absl::StatusOr<Event> Checked(absl::StatusOr<Event> event) {
  if (event.ok()) RETURN_IF_ERROR(CheckEvent(*event));
  return event;
}

}  // namespace

absl::StatusOr<Event> EventDecoder::Decode(const v1::Event& event) {
  switch (event.kind_case()) {
    case v1::Event::kTransition:
      return Checked(DecodeTransitionEvent(event.transition(), bindings_));
    case v1::Event::kSamples:
      return DecodeSamples(event.samples());
    case v1::Event::kProgress:
      return Checked(DecodeProgress(event.progress()));
    case v1::Event::kGap:
      return Checked(DecodeGap(event.gap()));
    case v1::Event::kRawPayload:
      return Checked(DecodeRawPayload(event.raw_payload()));
    case v1::Event::kQueryError:
      return Checked(DecodeQueryError(event.query_error()));
    case v1::Event::kSourceStatus:
      return Checked(DecodeSourceStatus(event.source_status()));
    case v1::Event::KIND_NOT_SET:
      break;
  }
  return MalformedEvent("kind",
                        "one of transition, samples, progress, gap, raw_payload, query_error, "
                        "source_status is required");
}

absl::Status EventDecoder::DefineQueries(const v1::SampleBatch& batch) {
  for (const v1::QueryDefinition& definition : batch.queries()) {
    if (!definition.has_query()) return MalformedEvent("samples.queries.query", "is required");
    auto query = std::make_shared<Query>(DecodeQuery(definition.query()));
    RETURN_IF_ERROR(CheckQuery(*query, "samples.queries.query"));
    if (!queries_.emplace(definition.query_ref(), std::move(query)).second) {
      return MalformedEvent("samples.queries.query_ref",
                            fmt::format("{} is defined already", definition.query_ref()));
    }
    if (queries_.size() > series_max_) break;
  }
  return absl::OkStatus();
}

absl::Status EventDecoder::DefineSeries(const v1::SampleBatch& batch) {
  for (const v1::SeriesDefinition& definition : batch.series()) {
    const auto query = queries_.find(definition.query_ref());
    if (query == queries_.end()) {
      return MalformedEvent("samples.series.query_ref",
                            fmt::format("{} is not defined", definition.query_ref()));
    }
    auto key = std::make_shared<SeriesKey>();
    key->query = query->second;
    key->labels = DecodeLabels(definition.labels());
    RETURN_IF_ERROR(CheckLabels(key->labels, "samples.series.labels"));
    const auto number = static_cast<uint32_t>(series_.size());
    if (!numbers_.Add(definition.series_ref(), number)) {
      return MalformedEvent("samples.series.series_ref",
                            fmt::format("{} is defined already", definition.series_ref()));
    }
    series_.push_back(std::move(key));
    if (series_.size() > series_max_) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<SampleBatch> EventDecoder::DecodeSamples(const v1::SampleBatch& in) {
  RETURN_IF_ERROR(DefineQueries(in));
  RETURN_IF_ERROR(DefineSeries(in));
  if (queries_.size() > series_max_ || series_.size() > series_max_) {
    return MakeError("TOO_MANY_SERIES",
                     fmt::format("samples: the stream defines more than {} series: open a new one",
                                 series_max_));
  }
  if (in.series_refs_size() != in.times_ms_size() || in.values_size() != in.times_ms_size()) {
    return MalformedEvent("samples",
                          fmt::format("columns differ in length: {} series_refs, {} "
                                      "times_ms, {} values",
                                      in.series_refs_size(), in.times_ms_size(), in.values_size()));
  }
  SampleBatch batch;
  batch.series = series_;
  ASSIGN_OR_RETURN(batch.received_time, DecodeTime(in.received_time(), "samples.received_time"));
  batch.values.assign(in.values().begin(), in.values().end());
  RETURN_IF_ERROR(ResolveSeries(in, batch));
  RETURN_IF_ERROR(DecodeTimes(in, batch));
  return batch;
}

absl::Status EventDecoder::ResolveSeries(const v1::SampleBatch& in, SampleBatch& batch) const {
  batch.series_index.resize(static_cast<size_t>(in.series_refs_size()));
  uint32_t* number = batch.series_index.data();
  for (const uint32_t reference : in.series_refs()) {
    *number = numbers_.Find(reference);
    if (*number == ReferenceTable::kUnknown) {
      return MalformedEvent("samples.series_refs", fmt::format("{} is not defined", reference));
    }
    ++number;
  }
  return absl::OkStatus();
}

}  // namespace alertjoin

#include "common/event/event_decoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/event/event_parts.h"
#include "common/event/event_rules.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

absl::StatusOr<Timestamp> TimeAt(const google::protobuf::Timestamp& time, std::string_view field) {
  auto result = DecodeTime(time);
  if (!result.ok()) return MalformedEvent(field, MessageOf(result.status()));
  return result;
}

absl::StatusOr<Binding> DecodeBinding(const v1::Binding& in, const std::string& field) {
  Binding binding;
  if (!in.has_query()) return MalformedEvent(field + ".query", "is required");
  binding.query = DecodeQuery(in.query());
  binding.matching = static_cast<Matching>(in.matching());
  binding.on.assign(in.on().begin(), in.on().end());
  std::sort(binding.on.begin(), binding.on.end());
  binding.on.erase(std::unique(binding.on.begin(), binding.on.end()), binding.on.end());
  binding.strict = in.strict();
  binding.first_after = in.first_after();
  if (in.has_tolerance()) {
    const auto tolerance = DecodeSpan(in.tolerance());
    if (!tolerance.ok()) {
      return MalformedEvent(field + ".tolerance", MessageOf(tolerance.status()));
    }
    binding.tolerance = *tolerance;
  }
  binding.comparison_operator = in.comparison_operator();
  if (in.has_threshold()) binding.threshold = in.threshold();
  return binding;
}

absl::Status DecodeTransitionTimes(const v1::TransitionEvent& in, TransitionEvent* event) {
  if (!in.has_starts_at()) return MalformedEvent("transition.starts_at", "is required");
  ASSIGN_OR_RETURN(event->starts_at, TimeAt(in.starts_at(), "transition.starts_at"));
  if (in.has_ends_at()) {
    ASSIGN_OR_RETURN(event->ends_at, TimeAt(in.ends_at(), "transition.ends_at"));
  }
  ASSIGN_OR_RETURN(event->received_time, TimeAt(in.received_time(), "transition.received_time"));
  return absl::OkStatus();
}

absl::StatusOr<Event> DecodeTransition(const v1::TransitionEvent& in, BindingTable& bindings) {
  TransitionEvent event;
  event.source = in.source();
  event.fingerprint = in.fingerprint();
  event.state = static_cast<AlertState>(in.state());
  RETURN_IF_ERROR(DecodeTransitionTimes(in, &event));
  event.labels = DecodeLabels(in.labels());
  event.annotations = DecodeLabels(in.annotations());
  event.generator_url = in.generator_url();
  // An origin of a later version is no reason to refuse the alert.
  event.origin =
      v1::Origin_IsValid(in.origin()) ? static_cast<Origin>(in.origin()) : Origin::kUnspecified;
  event.notification = DecodeNotification(in.notification());
  if (in.has_reported_value()) event.reported_value = in.reported_value();
  event.reported_values.assign(in.reported_values().begin(), in.reported_values().end());
  std::sort(event.reported_values.begin(), event.reported_values.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (int i = 0; i < in.bindings_size(); ++i) {
    ASSIGN_OR_RETURN(Binding binding,
                     DecodeBinding(in.bindings(i), fmt::format("transition.bindings[{}]", i)));
    event.bindings.push_back(bindings.Intern(std::move(binding)));
  }
  event.traceparent = in.traceparent();
  return event;
}

absl::StatusOr<Event> DecodeProgress(const v1::QueryProgress& in) {
  if (!in.has_query()) return MalformedEvent("progress.query", "is required");
  if (!in.has_complete_from()) return MalformedEvent("progress.complete_from", "is required");
  if (!in.has_complete_through()) return MalformedEvent("progress.complete_through", "is required");
  QueryProgress progress;
  progress.query = DecodeQuery(in.query());
  ASSIGN_OR_RETURN(progress.complete_from, TimeAt(in.complete_from(), "progress.complete_from"));
  ASSIGN_OR_RETURN(progress.complete_through,
                   TimeAt(in.complete_through(), "progress.complete_through"));
  return progress;
}

absl::StatusOr<Event> DecodeGap(const v1::Gap& in) {
  Gap gap;
  gap.source = in.source();
  if (in.has_query()) gap.query = DecodeQuery(in.query());
  if (in.has_from()) {
    ASSIGN_OR_RETURN(gap.from, TimeAt(in.from(), "gap.from"));
  }
  if (in.has_through()) {
    ASSIGN_OR_RETURN(gap.through, TimeAt(in.through(), "gap.through"));
  }
  gap.reason = in.reason();
  gap.voids_progress = in.voids_progress();
  return gap;
}

absl::StatusOr<Event> Checked(absl::StatusOr<Event> event) {
  if (event.ok()) RETURN_IF_ERROR(CheckEvent(*event));
  return event;
}

}  // namespace

absl::StatusOr<Event> EventDecoder::Decode(const v1::Event& event) {
  switch (event.kind_case()) {
    case v1::Event::kTransition:
      return Checked(DecodeTransition(event.transition(), bindings_));
    case v1::Event::kSamples:
      return DecodeSamples(event.samples());
    case v1::Event::kProgress:
      return Checked(DecodeProgress(event.progress()));
    case v1::Event::kGap:
      return Checked(DecodeGap(event.gap()));
    case v1::Event::KIND_NOT_SET:
      break;
  }
  return MalformedEvent("kind", "one of transition, samples, progress, gap is required");
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
    if (!number_by_ref_.emplace(definition.series_ref(), number).second) {
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
    return WithReason(
        absl::ResourceExhaustedError(fmt::format(
            "samples: the stream defines more than {} series: open a new one", series_max_)),
        "TOO_MANY_SERIES");
  }
  if (in.series_refs_size() != in.times_ms_size() || in.values_size() != in.times_ms_size()) {
    return MalformedEvent("samples",
                          fmt::format("columns differ in length: {} series_refs, {} "
                                      "times_ms, {} values",
                                      in.series_refs_size(), in.times_ms_size(), in.values_size()));
  }
  SampleBatch batch;
  batch.series = series_;
  ASSIGN_OR_RETURN(batch.received_time, TimeAt(in.received_time(), "samples.received_time"));
  const auto samples = static_cast<size_t>(in.times_ms_size());
  batch.series_index.reserve(samples);
  batch.times.reserve(samples);
  batch.values.assign(in.values().begin(), in.values().end());
  for (int i = 0; i < in.times_ms_size(); ++i) {
    const auto number = number_by_ref_.find(in.series_refs(i));
    if (number == number_by_ref_.end()) {
      return MalformedEvent("samples.series_refs",
                            fmt::format("{} is not defined", in.series_refs(i)));
    }
    const auto time = Timestamp::FromMillis(in.times_ms(i));
    if (time < Timestamp::Min() || time > Timestamp::Max()) {
      return MalformedEvent("samples.times_ms",
                            fmt::format("{} is outside the years 1 to 9999", time.millis()));
    }
    batch.series_index.push_back(number->second);
    batch.times.push_back(time);
  }
  return batch;
}

}  // namespace alertjoin

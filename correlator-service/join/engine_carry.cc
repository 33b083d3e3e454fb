// The engine's side of trimming a log: what must be said again.

#include "common/status/status.h"
#include "correlator-service/join/engine.h"

namespace alertjoin {
namespace {

// Samples of one event.
constexpr size_t kCarriedSamplesMax = 1'000;

}  // namespace

std::vector<Event> Engine::CarryOver(Timestamp through) const {
  std::vector<Event> carried;
  SampleBatch batch;
  const auto end_batch = [&] {
    if (batch.series.size() > 0) carried.emplace_back(std::exchange(batch, SampleBatch()));
  };
  for (const auto& [query, state] : directory_.queries()) {
    for (const auto& series : state->series) {
      const auto first = series->samples.Oldest();
      if (!first || first->time > through) continue;
      batch.series_index.push_back(static_cast<uint32_t>(batch.series.size()));
      batch.times.push_back(first->time);
      batch.values.push_back(first->value);
      // One for all of a batch: receive times of samples that old are not asked for any more.
      batch.received_time = first->received_time;
      batch.series.push_back(series->key);
      if (batch.series.size() >= kCarriedSamplesMax) end_batch();
    }
    end_batch();
    for (const Interval& covered : state->coverage.Covered()) {
      carried.emplace_back(QueryProgress{query, covered.from, covered.through});
    }
    for (const Interval& voided : state->coverage.Voided()) {
      carried.emplace_back(
          Gap{query.source, query, voided.from, voided.through, "carried over", true});
    }
    const QueryFault& fault = state->fault;
    if (!fault.time) continue;
    carried.emplace_back(
        QueryError{query, *fault.time, fault.text == nullptr ? std::string() : *fault.text});
  }
  return carried;
}

void Engine::Carry(const std::vector<Event>& carried) {
  for (const Event& event : carried) {
    if (const auto* progress = std::get_if<QueryProgress>(&event)) {
      directory_.QueryOf(progress->query)
          .coverage.Add({progress->complete_from, progress->complete_through});
    } else if (const auto* gap = std::get_if<Gap>(&event)) {
      directory_.QueryOf(*gap->query).coverage.Void({*gap->from, *gap->through});
    } else if (const auto* batch = std::get_if<SampleBatch>(&event)) {
      CarrySamples(*batch);
    } else if (const auto* error = std::get_if<QueryError>(&event)) {
      directory_.QueryOf(error->query).fault.Add(*error);
    }
  }
  SampleSeries::FinishWrites();
}

void Engine::CarrySamples(const SampleBatch& batch) {
  SeriesDirectory::Stream& stream = directory_.StreamOf(batch.series);
  for (size_t i = 0; i < batch.size(); ++i) {
    SeriesState* const series = SeriesOf(stream, batch.series_index[i]);
    if (series == nullptr || series->samples.Contains(batch.times[i])) continue;
    const Sample sample{batch.times[i], batch.values[i], batch.received_time};
    stats_.sample_bytes += series->samples.Insert(sample).bytes_added;
    // Without it a replay has kept an older one as the newest from before the horizon.
    stats_.sample_bytes -= series->samples.ByteSize();
    series->samples.Expire(sample_horizon_);
    stats_.sample_bytes += series->samples.ByteSize();
  }
}

}  // namespace alertjoin

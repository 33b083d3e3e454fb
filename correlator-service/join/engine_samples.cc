// The engine's side of samples: which series they belong to, and which rows they may revise.

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "correlator-service/join/engine.h"
#include "correlator-service/join/near_end.h"
#include "correlator-service/join/prefetch.h"

namespace alertjoin {
namespace {

// Neighbours in a batch are of different series, far apart in memory. So many are asked for before
// the first of them is needed: the series, then the ends of their samples.
constexpr size_t kChunkSamples = 128;
// Series that are looked at together.
constexpr size_t kChunkSeries = 32;

// What applying a sample looks at first.
void PrefetchSeries(const SeriesState* series) {
  if (series == nullptr) return;
  Prefetch(&series->samples, sizeof(series->samples));
}

bool HasSampleBefore(SampleOrder::Batches batches, Timestamp time) {
  return std::any_of(batches.begin(), batches.end(), [time](const SampleBatch* batch) {
    return std::any_of(batch->times.begin(), batch->times.end(),
                       [time](Timestamp at) { return at < time; });
  });
}

// The time of the newest sample with a value before `time`: rows from there on take the first value
// behind it as their next one.
Timestamp NewestValueBefore(const SampleSeries& samples, Timestamp time) {
  auto previous = samples.Before(time);
  while (previous && IsStaleMarker(previous->value)) previous = samples.Before(previous->time);
  return previous ? previous->time : Timestamp::Min();
}

}  // namespace

SeriesState* Engine::AddSeries(const std::shared_ptr<const SeriesKey>& key, bool limited) {
  QueryState& query = directory_.QueryOf(*key->query);
  SeriesState* const known = SeriesDirectory::Find(query, key->labels);
  if (known != nullptr) return known;
  if (limited && (directory_.series_count() >= limits_.series_max ||
                  directory_.SeriesCountOf(query.query.source) >= limits_.source_series_max ||
                  directory_.series_bytes() >= limits_.series_bytes_max)) {
    return nullptr;
  }
  SeriesState* const added = directory_.Add(query, key);
  bound_matches_.clear();
  query.index.AddSeries(added, &bound_matches_);
  for (BoundTransition* const bound : bound_matches_) {
    if (bound->has_placeholder()) {
      rows_.Retire(bound->rows.front(), Cause::kSample);
      bound->rows.clear();
    } else if (rows_.full()) {
      ++stats_.rows_refused;
      continue;
    }
    rows_.Create(*bound, added, Cause::kSample);
  }
  return added;
}

SeriesState* Engine::SeriesOf(SeriesDirectory::Stream& stream, uint32_t number) {
  if (number >= stream.states.size()) stream.states.resize(number + size_t{1});
  SeriesState*& state = stream.states[number];
  if (state == nullptr) state = AddSeries(stream.table[number]);
  return state;
}

void Engine::ApplyBatches(SampleOrder::Batches batches) {
  if (sample_order_.Make(batches) && !HasSampleBefore(batches, sample_horizon_)) {
    ApplyBySeries(batches);
  } else {
    ApplyAsTheyCame(batches);
  }
}

void Engine::ApplyBySeries(SampleOrder::Batches batches) {
  SeriesDirectory::Stream& stream = directory_.StreamOf(batches[0]->series);
  for (size_t begin = 0; begin < sample_order_.series_count(); begin += kChunkSeries) {
    const size_t end = std::min(sample_order_.series_count(), begin + kChunkSeries);
    SeriesState* chunk[kChunkSeries];
    for (size_t i = begin; i < end; ++i) {
      const auto number = static_cast<uint32_t>(sample_order_.first_number() + i);
      chunk[i - begin] = sample_order_.places(i).empty() ? nullptr : SeriesOf(stream, number);
      PrefetchSeries(chunk[i - begin]);
    }
    for (size_t i = begin; i < end; ++i) {
      if (chunk[i - begin] == nullptr) continue;
      const SampleOrder::Place place = sample_order_.places(i).front();
      chunk[i - begin]->samples.PrefetchPlace(batches[place.batch]->times[place.sample]);
    }
    for (size_t i = begin; i < end; ++i) {
      for (const SampleOrder::Place place : sample_order_.places(i)) {
        const SampleBatch& batch = *batches[place.batch];
        const Timestamp time = batch.times[place.sample];
        if (chunk[i - begin] == nullptr) {
          const uint32_t number = batch.series_index[place.sample];
          RefuseSample(directory_.QueryOf(*batch.series[number]->query), time);
        } else {
          ApplySample(*chunk[i - begin], {time, batch.values[place.sample], batch.received_time});
        }
      }
    }
  }
}

void Engine::ApplyAsTheyCame(SampleOrder::Batches batches) {
  SeriesDirectory::Stream& stream = directory_.StreamOf(batches[0]->series);
  std::array<PlacedSample, kChunkSamples> chunk;
  size_t size = 0;
  for (const SampleBatch* const batch : batches) {
    for (size_t i = 0; i < batch->size(); ++i) {
      const Timestamp time = batch->times[i];
      if (time < sample_horizon_) {
        ++stats_.samples_expired;
        continue;
      }
      const uint32_t number = batch->series_index[i];
      SeriesState* const series = SeriesOf(stream, number);
      if (series == nullptr) {
        RefuseSample(directory_.QueryOf(*batch->series[number]->query), time);
        continue;
      }
      PrefetchSeries(series);
      // One by one: put together first, they would be read before they are stored.
      PlacedSample& placed = chunk[size++];
      placed.series = series;
      placed.sample.time = time;
      placed.sample.value = batch->values[i];
      placed.sample.received_time = batch->received_time;
      if (size == chunk.size()) ApplyChunk(std::span(chunk).first(std::exchange(size, 0)));
    }
  }
  ApplyChunk(std::span(chunk).first(size));
}

void Engine::ApplyChunk(std::span<const PlacedSample> chunk) {
  std::array<const PlacedSample*, kChunkSamples> near_rows;
  size_t near_rows_size = 0;
  for (const PlacedSample& placed : chunk) {
    placed.series->samples.PrefetchPlace(placed.sample.time);
    if (placed.series->newest_row_time < placed.sample.time) continue;
    alertjoin::Prefetch(placed.series->rows.get(), sizeof(SeriesRows));
    near_rows[near_rows_size++] = &placed;
  }
  for (const PlacedSample* const placed : std::span(near_rows).first(near_rows_size)) {
    if (placed->series->rows != nullptr) PrefetchEnd(placed->series->rows->by_time);
  }
  for (const PlacedSample& placed : chunk) {
    // The usual case: it is newer than the others and than every row.
    if (placed.series->newest_row_time < placed.sample.time &&
        placed.series->samples.TryAppend(placed.sample)) {
      ++stats_.samples_new;
    } else {
      ApplySample(*placed.series, placed.sample);
    }
  }
}

void Engine::ApplySample(SeriesState& series, const Sample& sample) {
  if (series.samples.TryAppend(sample)) {
    ++stats_.samples_new;
    // One compare tells that the sample can revise nothing: it is newer than every row.
    if (series.newest_row_time < sample.time) return;
    return TouchRows(series, sample.time, std::nullopt, Cause::kSample);
  }
  const bool full = stats_.sample_bytes >= limits_.sample_bytes_max;
  if (full && !series.samples.Contains(sample.time))
    return RefuseSample(*series.query, sample.time);
  const SampleSeries::Inserted inserted = series.samples.Insert(sample);
  stats_.sample_bytes += inserted.bytes_added;
  Cause reason = Cause::kLateSample;
  switch (inserted.outcome) {
    case SampleSeries::Outcome::kUnchanged:
      ++stats_.samples_unchanged;
      return;
    case SampleSeries::Outcome::kAppended:
      ++stats_.samples_new;
      reason = Cause::kSample;
      break;
    case SampleSeries::Outcome::kInserted:
      ++stats_.samples_late;
      break;
    case SampleSeries::Outcome::kReplaced:
      ++stats_.samples_replaced;
      break;
  }
  if (series.newest_row_time < sample.time) return;
  TouchRows(series, sample.time, inserted.next, reason);
}

void Engine::RefuseSample(QueryState& query, Timestamp time) {
  ++stats_.samples_refused;
  query.refused_through = std::max(query.refused_through.value_or(time), time);
}

void Engine::TouchRows(SeriesState& series, Timestamp time, std::optional<Timestamp> next,
                       Cause reason) {
  if (series.rows == nullptr) return;  // A sample of the earliest time of all.
  SeriesRows& rows = *series.rows;
  // Rows from here to the next sample, which a strict binding still excludes at its very time.
  const Timestamp from = rows.has_first_after ? NewestValueBefore(series.samples, time) : time;
  const Timestamp through = next.value_or(Timestamp::Max());
  for (auto row = LowerBoundNearEnd(rows.by_time, std::pair<Timestamp, RowState*>(from, nullptr));
       row != rows.by_time.end() && row->first <= through; ++row) {
    rows_.Touch(*row->second, reason);
  }
}

}  // namespace alertjoin

// The engine's side of samples: which series they belong to, and which rows they may revise.

#include <algorithm>

#include "correlator-service/join/engine.h"

namespace alertjoin {
namespace {

// Samples of a batch that are looked at together.
constexpr size_t kChunkSamples = 64;
// Series that are looked at together.
constexpr size_t kChunkSeries = 32;

// What applying a sample looks at first may lie on two lines.
void Prefetch(const SeriesState* series) {
  if (series == nullptr) return;
  __builtin_prefetch(&series->samples);
  __builtin_prefetch(&series->newest_row_time);
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
      rows_.Retire(std::move(bound->rows[0]), Cause::kSample);
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

bool Engine::OrderBatch(SeriesDirectory::Stream& stream, const SampleBatch& batch) {
  constexpr size_t kBits = 64;
  const std::vector<uint32_t>& numbers = batch.series_index;
  bool neighbours = true;
  for (size_t i = 0; i < numbers.size() && neighbours; ++i) {
    if (i > 0 && numbers[i] == numbers[i - 1]) continue;
    const size_t word = numbers[i] / kBits;
    const uint64_t bit = uint64_t{1} << (numbers[i] % kBits);
    if (word >= stream.met.size()) stream.met.resize(word + 1);
    neighbours = (stream.met[word] & bit) == 0;
    stream.met[word] |= bit;
  }
  for (const uint32_t number : numbers) {
    if (number / kBits < stream.met.size()) stream.met[number / kBits] = 0;
  }
  if (neighbours) return false;
  batch_order_.resize(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) batch_order_[i] = uint64_t{numbers[i]} << 32 | i;
  std::sort(batch_order_.begin(), batch_order_.end());
  return true;
}

void Engine::ApplyBatches(SampleOrder::Batches batches) {
  if (batches.size() > 1 && !HasSampleBefore(batches, sample_horizon_) &&
      sample_order_.Make(batches)) {
    return ApplyBySeries(batches);
  }
  for (const SampleBatch* const batch : batches) ApplyEvent(*batch);
}

void Engine::ApplyBySeries(SampleOrder::Batches batches) {
  SeriesDirectory::Stream& stream = directory_.StreamOf(batches[0]->series);
  for (size_t begin = 0; begin < sample_order_.series_count(); begin += kChunkSeries) {
    const size_t end = std::min(sample_order_.series_count(), begin + kChunkSeries);
    SeriesState* chunk[kChunkSeries];
    for (size_t i = begin; i < end; ++i) {
      const auto number = static_cast<uint32_t>(sample_order_.first_number() + i);
      chunk[i - begin] = sample_order_.places(i).empty() ? nullptr : SeriesOf(stream, number);
      Prefetch(chunk[i - begin]);
    }
    for (size_t i = begin; i < end; ++i) {
      if (chunk[i - begin] != nullptr) chunk[i - begin]->samples.PrefetchTail();
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

void Engine::ApplyEvent(const SampleBatch& batch) {
  SeriesDirectory::Stream& stream = directory_.StreamOf(batch.series);
  const bool ordered = OrderBatch(stream, batch);
  const auto place = [&](size_t i) {
    return ordered ? static_cast<size_t>(batch_order_[i] & UINT32_MAX) : i;
  };
  for (size_t begin = 0; begin < batch.size(); begin += kChunkSamples) {
    const size_t end = std::min(batch.size(), begin + kChunkSamples);
    // Neighbours in a batch are of different series, far apart in memory. All of them are asked for
    // before the first is needed: the series, then the ends of their samples.
    SeriesState* chunk[kChunkSamples];
    for (size_t i = begin; i < end; ++i) {
      const size_t at = place(i);
      const bool expired = batch.times[at] < sample_horizon_;
      chunk[i - begin] = expired ? nullptr : SeriesOf(stream, batch.series_index[at]);
      Prefetch(chunk[i - begin]);
    }
    for (size_t i = begin; i < end; ++i) {
      if (chunk[i - begin] != nullptr) chunk[i - begin]->samples.PrefetchTail();
    }
    for (size_t i = begin; i < end; ++i) {
      const size_t at = place(i);
      if (batch.times[at] < sample_horizon_) {
        ++stats_.samples_expired;
      } else if (chunk[i - begin] == nullptr) {
        RefuseSample(directory_.QueryOf(*batch.series[batch.series_index[at]]->query),
                     batch.times[at]);
      } else {
        ApplySample(*chunk[i - begin], {batch.times[at], batch.values[at], batch.received_time});
      }
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
  const SampleSeries::Inserted inserted = InsertSample(series, sample);
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

SampleSeries::Inserted Engine::InsertSample(SeriesState& series, const Sample& sample) {
  const size_t before = series.samples.ByteSize();
  const SampleSeries::Inserted inserted = series.samples.Insert(sample);
  stats_.sample_bytes += series.samples.ByteSize() - before;
  return inserted;
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
  for (auto row = rows.by_time.lower_bound({from, nullptr});
       row != rows.by_time.end() && row->first <= through; ++row) {
    rows_.Touch(*row->second, reason);
  }
}

}  // namespace alertjoin

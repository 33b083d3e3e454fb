#include "ingest-service/prometheus/series_history.h"

#include <algorithm>

namespace alertjoin {

std::vector<SeriesHistory::Entry>::const_iterator SeriesHistory::FirstAfter(Timestamp time) const {
  // Almost always behind the newest.
  if (entries_.empty() || entries_.back().time <= time) return entries_.end();
  return std::upper_bound(entries_.begin(), entries_.end(), time,
                          [](Timestamp t, const Entry& entry) { return t < entry.time; });
}

std::optional<SeriesHistory::Entry> SeriesHistory::AsOf(Timestamp time) const {
  const auto after = FirstAfter(time);
  if (after == entries_.begin()) return std::nullopt;
  return *std::prev(after);
}

std::optional<double> SeriesHistory::At(Timestamp time) const {
  const auto entry = AsOf(time);
  if (!entry.has_value() || entry->time != time) return std::nullopt;
  return entry->value;
}

std::vector<SeriesHistory::Entry> SeriesHistory::After(Timestamp time) const {
  return {FirstAfter(time), entries_.end()};
}

void SeriesHistory::Set(Timestamp time, double value) {
  const auto after = entries_.begin() + (FirstAfter(time) - entries_.cbegin());
  if (after != entries_.begin() && std::prev(after)->time == time) {
    std::prev(after)->value = value;
  } else {
    entries_.insert(after, {time, value});
  }
}

void SeriesHistory::Erase(Timestamp time) {
  const auto after = FirstAfter(time);
  if (after != entries_.begin() && std::prev(after)->time == time) entries_.erase(std::prev(after));
}

void SeriesHistory::Forget(Timestamp horizon) {
  const auto after = FirstAfter(horizon);
  if (after == entries_.begin()) return;
  entries_.erase(entries_.begin(), std::prev(after));
}

}  // namespace alertjoin

#include "correlator-service/join/match_index.h"

#include <algorithm>

namespace alertjoin {
namespace {

// The values of the labels, absent ones empty, each with its length so that no two lists mix.
std::string ValuesOn(const std::vector<std::string>& on, const LabelSet& labels) {
  std::string key;
  for (const std::string& name : on) {
    const std::string_view value = labels.Get(name);
    key += std::to_string(value.size());
    key += ':';
    key += value;
  }
  return key;
}

template <typename T>
void EraseValue(std::vector<T*>& items, const T* item) {
  const auto found = std::find(items.begin(), items.end(), item);
  if (found == items.end()) return;
  *found = items.back();
  items.pop_back();
}

template <typename T>
void EraseItem(T& items, const void* item) {
  const auto found = std::find_if(items.begin(), items.end(),
                                  [item](const auto& entry) { return entry.item == item; });
  if (found == items.end()) return;
  *found = items.back();
  items.pop_back();
}

}  // namespace

bool Agree(const LabelSet& alert, const LabelSet& series) {
  auto a = alert.begin();
  auto s = series.begin();
  while (a != alert.end() && s != series.end()) {
    if (a->first < s->first) {
      ++a;
    } else if (s->first < a->first) {
      ++s;
    } else {
      if (a->second != s->second && a->first != "__name__") return false;
      ++a;
      ++s;
    }
  }
  return true;
}

std::vector<BoundTransition*> MatchIndex::AddSeries(SeriesState* series, const LabelSet& labels) {
  std::vector<BoundTransition*> matches;
  series_.push_back({series, &labels});
  for (auto& [on, buckets] : by_on_) {
    Bucket& bucket = buckets[ValuesOn(on, labels)];
    bucket.series.push_back(series);
    matches.insert(matches.end(), bucket.bound.begin(), bucket.bound.end());
  }
  for (const auto& [bound, alert_labels] : by_agreement_) {
    if (Agree(*alert_labels, labels)) matches.push_back(bound);
  }
  return matches;
}

std::vector<SeriesState*> MatchIndex::AddTransition(BoundTransition* bound, const Binding& binding,
                                                    const LabelSet& alert_labels) {
  std::vector<SeriesState*> matches;
  if (binding.matching == Matching::kAgreement) {
    by_agreement_.push_back({bound, &alert_labels});
    for (const auto& [series, labels] : series_) {
      if (Agree(alert_labels, *labels)) matches.push_back(series);
    }
    return matches;
  }
  const auto [entry, is_new] = by_on_.try_emplace(binding.on);
  if (is_new) {
    for (const auto& [series, labels] : series_) {
      entry->second[ValuesOn(binding.on, *labels)].series.push_back(series);
    }
  }
  Bucket& bucket = entry->second[ValuesOn(binding.on, alert_labels)];
  bucket.bound.push_back(bound);
  return bucket.series;
}

void MatchIndex::RemoveTransition(BoundTransition* bound, const Binding& binding,
                                  const LabelSet& alert_labels) {
  if (binding.matching == Matching::kAgreement) {
    EraseItem(by_agreement_, bound);
    return;
  }
  Buckets& buckets = by_on_.at(binding.on);
  const auto bucket = buckets.find(ValuesOn(binding.on, alert_labels));
  if (bucket == buckets.end()) return;
  EraseValue(bucket->second.bound, bound);
  if (bucket->second.bound.empty() && bucket->second.series.empty()) buckets.erase(bucket);
}

void MatchIndex::RemoveSeries(SeriesState* series, const LabelSet& labels) {
  EraseItem(series_, series);
  for (auto& [on, buckets] : by_on_) {
    const auto bucket = buckets.find(ValuesOn(on, labels));
    if (bucket == buckets.end()) continue;
    EraseValue(bucket->second.series, series);
    if (bucket->second.bound.empty() && bucket->second.series.empty()) buckets.erase(bucket);
  }
}

}  // namespace alertjoin

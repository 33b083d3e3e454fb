#include "correlator-service/join/match_index.h"

#include <algorithm>
#include <cstdint>

#include "absl/hash/hash.h"
#include "correlator-service/join/engine_state.h"

namespace alertjoin {
namespace {

constexpr char kMetricName[] = "__name__";

template <typename Items, typename T>
void EraseValue(Items& items, const T* item) {
  const auto found = std::find(items.begin(), items.end(), item);
  if (found == items.end()) return;
  *found = items.back();
  items.pop_back();
}

// Writes the key of a bucket. False when one of the labels is missing.
bool BuildKey(const MatchGroup& group, const LabelSet& labels, std::string& text) {
  bool complete = true;
  text.clear();
  // Both are sorted.
  auto label = labels.begin();
  const auto end = labels.end();
  for (const std::string& name : group.names) {
    while (label != end && label->first < name) ++label;
    const bool found = label != end && label->first == name;
    complete &= found;
    const std::string_view value = found ? label->second : std::string_view();
    // With its length, so that no two lists of values mix.
    const auto size = static_cast<uint32_t>(value.size());
    text.append(reinterpret_cast<const char*>(&size), sizeof(size));
    text.append(value);
  }
  return complete;
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
      if (a->second != s->second && a->first != kMetricName) return false;
      ++a;
      ++s;
    }
  }
  return true;
}

MatchGroup::BucketKey MatchIndex::KeyOf(const MatchGroup& group, const LabelSet& alert_labels,
                                        std::string& text) {
  BuildKey(group, alert_labels, text);
  return {absl::HashOf(text), text};
}

MatchGroup::Bucket& MatchIndex::BucketOf(MatchGroup& group, const MatchGroup::BucketKey& key) {
  const auto found = group.buckets.find(key);
  if (found != group.buckets.end()) return *found->bucket;
  auto added = std::make_unique<MatchGroup::Bucket>();
  added->key = key.text;
  return *group.buckets.insert({key.hash, std::move(added)}).first->bucket;
}

void MatchIndex::AddSeriesTo(MatchGroup& group, SeriesState* series,
                             std::vector<BoundTransition*>* matches) {
  const LabelSet& labels = series->key->labels;
  const bool complete = BuildKey(group, labels, key_);
  const MatchGroup::BucketKey key = {absl::HashOf(key_), key_};
  if (group.matching == Matching::kOn) {
    MatchGroup::Bucket& bucket = BucketOf(group, key);
    bucket.series.push_back(series);
    if (matches == nullptr) return;
    matches->insert(matches->end(), bucket.bound.begin(), bucket.bound.end());
    return;
  }
  const auto add_agreeing = [&](const MatchGroup::Bucket& bucket) {
    if (matches == nullptr) return;
    for (BoundTransition* const bound : bucket.bound) {
      if (Agree(bound->indexed->labels, labels)) matches->push_back(bound);
    }
  };
  if (complete) {
    MatchGroup::Bucket& bucket = BucketOf(group, key);
    bucket.series.push_back(series);
    add_agreeing(bucket);
  } else {
    group.incomplete.push_back(series);
    for (const auto& [hash, bucket] : group.buckets) add_agreeing(*bucket);
  }
}

void MatchIndex::AddSeries(SeriesState* series, std::vector<BoundTransition*>* matches) {
  series_.push_back(series);
  for (const auto& [name, value] : series->key->labels) {
    if (name != kMetricName) ++series_by_label_[std::string(name)];
  }
  for (auto& [key, group] : groups_) AddSeriesTo(group, series, matches);
}

std::vector<std::string> MatchIndex::CommonNames(const LabelSet& alert_labels) const {
  std::vector<std::string> names;
  for (const auto& [name, value] : alert_labels) {
    const auto having = series_by_label_.find(std::string(name));
    if (having != series_by_label_.end() && having->second == series_.size()) {
      names.emplace_back(name);
    }
  }
  return names;
}

MatchGroup* MatchIndex::GroupOf(const Binding& binding, const LabelSet& alert_labels) {
  std::pair key(binding.matching,
                binding.matching == Matching::kOn ? binding.on : CommonNames(alert_labels));
  const auto [entry, is_new] = groups_.try_emplace(std::move(key));
  MatchGroup& group = entry->second;
  if (is_new) {
    group.matching = binding.matching;
    group.names = entry->first.second;
    for (SeriesState* const series : series_) AddSeriesTo(group, series, nullptr);
  }
  return &group;
}

void MatchIndex::AddTransition(MatchGroup* group, const MatchGroup::BucketKey& key,
                               BoundTransition* bound, const LabelSet& alert_labels,
                               std::vector<SeriesState*>* matches) {
  MatchGroup::Bucket& bucket = BucketOf(*group, key);
  bucket.bound.push_back(bound);
  if (group->matching == Matching::kOn) {
    matches->insert(matches->end(), bucket.series.begin(), bucket.series.end());
    return;
  }
  const auto add_agreeing = [&](const auto& candidates) {
    for (SeriesState* const series : candidates) {
      if (Agree(alert_labels, series->key->labels)) matches->push_back(series);
    }
  };
  add_agreeing(bucket.series);
  add_agreeing(group->incomplete);
}

void MatchIndex::RemoveTransition(MatchGroup* group, BoundTransition* bound,
                                  const LabelSet& alert_labels) {
  const auto place = group->buckets.find(KeyOf(*group, alert_labels, key_));
  if (place == group->buckets.end()) return;
  MatchGroup::Bucket& bucket = *place->bucket;
  EraseValue(bucket.bound, bound);
  if (bucket.bound.empty() && bucket.series.empty()) group->buckets.erase(place);
}

const MatchGroup::Bucket* MatchIndex::ProbableBucket(const MatchGroup& group, size_t hash) {
  const auto place = group.buckets.find(HashOnly{hash});
  return place == group.buckets.end() ? nullptr : place->bucket.get();
}

}  // namespace alertjoin

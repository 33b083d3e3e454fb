#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "common/event/event.h"

namespace alertjoin {

struct BoundTransition;
struct SeriesState;

// Transitions and series of one query that are matched by the values of the same labels.
struct MatchGroup {
  struct Bucket {
    absl::InlinedVector<SeriesState*, 1> series;
    std::vector<BoundTransition*> bound;
  };

  Matching matching = Matching::kOn;
  std::vector<std::string> names;
  // By the values of these labels.
  absl::flat_hash_map<std::string, Bucket> buckets;
  // With MATCHING_AGREEMENT: series that lack one of the labels, which may agree with any value.
  std::vector<SeriesState*> incomplete;
};

// Which series of one query belong to which bound transitions. Not thread-safe; owns neither side:
// what was added must be removed before it is destroyed, and must keep its labels.
//
// Both sides are hashed by labels: with MATCHING_ON by those of the binding; with
// MATCHING_AGREEMENT by those of the alert that all series of the query had when the first such
// alert came, and what remains is compared one by one.
class MatchIndex {
 public:
  // Adds a series and gives the transitions that it belongs to.
  void AddSeries(SeriesState* series, std::vector<BoundTransition*>* matches);

  // The group in which transitions with this binding and these labels are matched. It stays where
  // it is. With MATCHING_ON it is the same for all labels.
  MatchGroup* GroupOf(const Binding& binding, const LabelSet& alert_labels);
  // Adds a transition to its group and gives the series that belong to it.
  void AddTransition(MatchGroup* group, BoundTransition* bound, const LabelSet& alert_labels,
                     std::vector<SeriesState*>* matches);
  void RemoveTransition(MatchGroup* group, BoundTransition* bound, const LabelSet& alert_labels);

  // Where AddTransition would put it; null when there is no such place yet. Valid until the next
  // addition or removal.
  const MatchGroup::Bucket* FindBucket(const MatchGroup& group, const LabelSet& alert_labels);
  // Asks the processor for what FindBucket looks at.
  void PrefetchBucket(const MatchGroup& group, const LabelSet& alert_labels);

  // Visits every transition, in no particular order.
  template <typename Visit>
  void ForEachTransition(Visit visit) const {
    for (const auto& [key, group] : groups_) {
      for (const auto& [values, bucket] : group.buckets) {
        for (BoundTransition* const bound : bucket.bound) visit(bound);
      }
    }
  }

 private:
  // Builds the key of a bucket in key_. False when one of the labels is missing or empty.
  bool BuildKey(const MatchGroup& group, const LabelSet& labels);
  void AddSeriesTo(MatchGroup& group, SeriesState* series, std::vector<BoundTransition*>* matches);
  std::vector<std::string> CommonNames(const LabelSet& alert_labels) const;

  std::vector<SeriesState*> series_;
  // How many series have the label. Not `__name__`.
  absl::flat_hash_map<std::string, size_t> series_by_label_;
  std::map<std::pair<Matching, std::vector<std::string>>, MatchGroup> groups_;
  std::string key_;  // Kept for its memory.
};

// Whether the labels contradict each other on none that both have, `__name__` apart.
bool Agree(const LabelSet& alert, const LabelSet& series);

}  // namespace alertjoin

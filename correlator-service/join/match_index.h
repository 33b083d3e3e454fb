#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "common/event/event.h"
#include "correlator-service/join/prefetch.h"

namespace alertjoin {

struct BoundTransition;
struct SeriesState;

// Transitions and series of one query that are matched by the values of the same labels.
struct MatchGroup {
  struct Bucket {
    std::string key;  // The values of the labels.
    absl::InlinedVector<SeriesState*, 1> series;
    std::vector<BoundTransition*> bound;
  };
  // A bucket's place in the table, with the hash of its key: to say which bucket may be meant, no
  // bucket need be read.
  struct BucketPlace {
    size_t hash;
    std::unique_ptr<Bucket> bucket;
  };
  struct BucketKey {
    size_t hash;
    std::string_view text;
  };
  struct BucketHash {
    using is_transparent = void;
    size_t operator()(const BucketPlace& place) const { return place.hash; }
    size_t operator()(const BucketKey& key) const { return key.hash; }
    size_t operator()(HashOnly hash) const { return hash.value; }
  };
  struct BucketEqual {
    using is_transparent = void;
    bool operator()(const BucketPlace& a, const BucketPlace& b) const {
      return a.bucket == b.bucket;
    }
    bool operator()(const BucketPlace& a, const BucketKey& b) const {
      return a.hash == b.hash && a.bucket->key == b.text;
    }
    bool operator()(const BucketPlace& a, HashOnly b) const { return a.hash == b.value; }
  };

  Matching matching = Matching::kOn;
  std::vector<std::string> names;  // Sorted.
  // By the values of these labels.
  absl::flat_hash_set<BucketPlace, BucketHash, BucketEqual> buckets;
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
  // Where in the group transitions with these labels are. `text` keeps the key, and is written
  // over.
  static MatchGroup::BucketKey KeyOf(const MatchGroup& group, const LabelSet& alert_labels,
                                     std::string& text);
  // Adds a transition to its group, in which it has that key, and gives the series that belong to
  // it.
  void AddTransition(MatchGroup* group, const MatchGroup::BucketKey& key, BoundTransition* bound,
                     const LabelSet& alert_labels, std::vector<SeriesState*>* matches);
  void RemoveTransition(MatchGroup* group, BoundTransition* bound, const LabelSet& alert_labels);

  // For asking the processor for memory: the bucket in which AddTransition will probably put what
  // has a key of this hash, unread; null when there is none.
  static const MatchGroup::Bucket* ProbableBucket(const MatchGroup& group, size_t hash);

  // Visits every transition, in no particular order.
  template <typename Visit>
  void ForEachTransition(Visit visit) const {
    for (const auto& [key, group] : groups_) {
      for (const auto& [hash, bucket] : group.buckets) {
        for (BoundTransition* const bound : bucket->bound) visit(bound);
      }
    }
  }

 private:
  // The bucket of that key, made where it is not there.
  static MatchGroup::Bucket& BucketOf(MatchGroup& group, const MatchGroup::BucketKey& key);
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

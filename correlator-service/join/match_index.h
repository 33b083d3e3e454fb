#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/event/event.h"

namespace alertjoin {

struct BoundTransition;
struct SeriesState;

// Which series of one query belong to which bound transitions. Not thread-safe; owns neither side:
// what was added must be removed before it is destroyed.
//
// With MATCHING_ON both sides are hashed by their values of the `on` labels. With
// MATCHING_AGREEMENT every pair is compared.
class MatchIndex {
 public:
  // Adds a series and returns the transitions that it belongs to.
  std::vector<BoundTransition*> AddSeries(SeriesState* series, const LabelSet& labels);
  // Adds a transition and returns the series that belong to it.
  std::vector<SeriesState*> AddTransition(BoundTransition* bound, const Binding& binding,
                                          const LabelSet& alert_labels);
  void RemoveTransition(BoundTransition* bound, const Binding& binding,
                        const LabelSet& alert_labels);
  void RemoveSeries(SeriesState* series, const LabelSet& labels);

 private:
  template <typename T>
  struct Labelled {
    T* item;
    const LabelSet* labels;
  };
  struct Bucket {
    std::vector<SeriesState*> series;
    std::vector<BoundTransition*> bound;
  };
  using Buckets = std::unordered_map<std::string, Bucket>;

  std::vector<Labelled<SeriesState>> series_;
  std::map<std::vector<std::string>, Buckets> by_on_;
  std::vector<Labelled<BoundTransition>> by_agreement_;
};

// Whether the labels contradict each other on none that both have, `__name__` apart.
bool Agree(const LabelSet& alert, const LabelSet& series);

}  // namespace alertjoin

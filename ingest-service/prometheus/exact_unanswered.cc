// What becomes of exact queries that were not answered while their source was there.

#include <iterator>
#include <set>
#include <utility>

#include "ingest-service/prometheus/exact_queries.h"
#include "ingest-service/prometheus/exact_queries_state.h"

namespace alertjoin {
namespace {

constexpr size_t kGapsTogether = 1'000;

}  // namespace

std::vector<ExactQueries::Wish> ExactQueries::Unanswered() {
  std::vector<Wish> wishes;
  std::vector<Event> gaps;
  {
    MutexLock lock(mutex_);
    wishes = inbox_;
    gaps = refused_.TakeGaps();
  }
  if (!gaps.empty()) TellGaps(gaps);
  for (const auto& [query, state] : states_) {
    for (const auto& [time, pending] : state->pending) {
      const ExactTask& task = pending->task;
      Wish wish{query, time, task.window, std::nullopt};
      wishes.push_back(wish);
      for (const ResolvedAlert& alert : task.resolved) {
        wish.resolved = alert;
        wishes.push_back(wish);
      }
    }
  }
  return wishes;
}

void ExactQueries::GiveUpUnanswered(const std::string& why) {
  std::set<std::pair<Query, Timestamp>> given_up;
  std::vector<Event> gaps;
  for (const Wish& wish : Unanswered()) {
    if (!given_up.emplace(wish.query, wish.time).second) continue;
    gaps.emplace_back(GapOf(wish.query, wish.time, why));
    if (gaps.size() < kGapsTogether) continue;
    TellGaps(gaps);
    gaps.clear();
  }
  if (!gaps.empty()) TellGaps(gaps);
}

}  // namespace alertjoin

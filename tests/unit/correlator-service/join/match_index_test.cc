// Which series belong to which alerts, as the engine's rows show it, against a comparison of every
// alert with every series.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "correlator-service/join/engine.h"
#include "tests/support/join_events.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

// Adds alerts and series in any order; after each step all pairs are checked.
class Matched {
 public:
  explicit Matched(Binding binding) : binding_(std::move(binding)) {}

  void AddSeries(const LabelSet& labels) {
    series_.insert(labels);
    engine_.Apply({Samples("q", labels, {{1, 1}})}, At(1));
    Check();
  }

  // Of a time of its own, later than all before.
  void AddAlert(const LabelSet& labels) {
    // The text, since the usual fingerprint is blind to labels with empty values.
    TransitionEvent event = Firing(labels, 10 * ++clock_, {binding_});
    event.fingerprint = ToString(labels);
    alerts_.emplace_back(10 * clock_, labels);
    engine_.Apply({event}, At(1));
    Check();
  }

  void ExpireOldestAlert() {
    if (alerts_.empty()) return;
    engine_.Expire(Timestamp::Min(), At(alerts_.front().first + 1), At(1));
    alerts_.erase(alerts_.begin());
    Check();
  }

 private:
  using Pairs = std::multiset<std::pair<std::string, std::string>>;

  bool Belongs(const LabelSet& alert, const LabelSet& series) const {
    if (binding_.matching == Matching::kOn) {
      return std::all_of(binding_.on.begin(), binding_.on.end(), [&](const std::string& name) {
        return alert.Get(name) == series.Get(name);
      });
    }
    for (const auto& [name, value] : series) {
      if (name == "__name__" || !alert.Has(name)) continue;
      if (alert.Get(name) != value) return false;
    }
    return true;
  }

  static std::string Named(int64_t time, const LabelSet& labels) {
    return std::to_string(time) + " " + ToString(labels);
  }

  void Check() {
    Pairs expected;
    for (const auto& [time, alert] : alerts_) {
      bool has_series = false;
      for (const LabelSet& series : series_) {
        if (!Belongs(alert, series)) continue;
        has_series = true;
        expected.emplace(Named(time, alert), ToString(series));
      }
      if (!has_series) expected.emplace(Named(time, alert), "none");
    }
    Pairs found;
    for (const JoinedRow& row : engine_.Rows()) {
      const SeriesKey* const series = row.match.series.get();
      found.emplace(Named(row.transition->starts_at.millis(), row.transition->labels),
                    series == nullptr ? "none" : ToString(series->labels));
    }
    ASSERT_EQ(found, expected);
  }

  const Binding binding_;
  Engine engine_{EngineLimits{}};
  std::set<LabelSet> series_;
  std::vector<std::pair<int64_t, LabelSet>> alerts_;
  int64_t clock_ = 0;
};

TEST(MatchIndex, SeriesThatLackALabelAgreeWithEveryValueOfIt) {
  Matched matched(BindAgreeing("q"));
  matched.AddSeries({{"i", "1"}, {"job", "a"}});
  matched.AddSeries({{"i", "2"}, {"job", "a"}});
  matched.AddAlert({{"i", "1"}, {"job", "a"}});
  // The index is by both labels; these have one of them, or none.
  matched.AddSeries({{"job", "a"}});
  matched.AddSeries({{"i", "1"}});
  matched.AddSeries({{"i", "3"}});
  matched.AddSeries({{"zone", "x"}});
  matched.AddSeries({});
  matched.AddAlert({{"i", "2"}, {"job", "a"}});
  matched.AddAlert({{"i", "3"}, {"job", "b"}});
  matched.AddSeries({{"i", "1"}, {"job", "a"}, {"zone", "x"}});
}

TEST(MatchIndex, AlertsThatComeBeforeAnySeries) {
  Matched matched(BindAgreeing("q"));
  matched.AddAlert({{"i", "1"}});
  matched.AddAlert({{"i", "2"}, {"job", "a"}});
  matched.AddAlert({});
  matched.AddSeries({{"i", "1"}});
  matched.AddSeries({{"i", "2"}, {"job", "b"}});
  matched.AddSeries({{"i", "2"}, {"job", "a"}});
  matched.AddAlert({{"i", "1"}});
  matched.AddAlert({{"i", "2"}, {"job", "a"}});
  matched.AddSeries({{"i", "1"}, {"job", "b"}});
}

TEST(MatchIndex, AnEmptyValueIsAValueWithAgreement) {
  Matched matched(BindAgreeing("q"));
  matched.AddSeries({{"i", ""}});
  matched.AddSeries({{"i", "1"}});
  matched.AddAlert({{"i", "1"}});
  matched.AddAlert({{"i", ""}});
  matched.AddAlert({{"a", "1"}});
  matched.AddSeries({{"i", ""}, {"job", ""}});
  matched.AddSeries({{"job", "a"}});
  matched.AddAlert({{"i", ""}, {"job", "a"}});
}

TEST(MatchIndex, AnEmptyValueIsNoneWithOn) {
  Matched matched(BindOn("q", {"i", "job"}));
  matched.AddSeries({{"i", ""}});
  matched.AddSeries({{"job", ""}});
  matched.AddSeries({{"i", "1"}});
  matched.AddAlert({{"i", "1"}, {"job", ""}});
  matched.AddAlert({{"a", "1"}});
  matched.AddSeries({{"i", "1"}, {"job", ""}});
}

TEST(MatchIndex, LaterAlertsWithFewerLabelsOrOthers) {
  Matched matched(BindAgreeing("q"));
  for (const char* i : {"1", "2"}) {
    for (const char* job : {"a", "b"}) matched.AddSeries({{"i", i}, {"job", job}, {"zone", "x"}});
  }
  matched.AddAlert({{"i", "1"}, {"job", "a"}, {"zone", "x"}});
  matched.AddAlert({{"i", "1"}, {"job", "a"}});
  matched.AddAlert({{"i", "1"}});
  matched.AddAlert({{"job", "b"}, {"severity", "page"}});
  matched.AddAlert({{"severity", "page"}});
  matched.AddAlert({});
  matched.AddAlert({{"zone", "y"}});
  matched.AddSeries({{"i", "1"}, {"zone", "y"}});
}

TEST(MatchIndex, TheMetricNameIsNoLabelWithAgreement) {
  Matched matched(BindAgreeing("q"));
  matched.AddSeries({{"__name__", "up"}, {"i", "1"}});
  matched.AddSeries({{"__name__", "down"}, {"i", "1"}});
  matched.AddAlert({{"__name__", "up"}, {"i", "1"}});
  matched.AddAlert({{"__name__", "other"}, {"i", "1"}});
  matched.AddSeries({{"i", "1"}});
}

TEST(MatchIndex, ValuesDoNotRunIntoEachOther) {
  for (const Binding& binding : {BindOn("q", {"a", "b"}), BindAgreeing("q")}) {
    Matched matched(binding);
    matched.AddSeries({{"a", "xy"}, {"b", "z"}});
    matched.AddSeries({{"a", "x"}, {"b", "yz"}});
    matched.AddAlert({{"a", "xy"}, {"b", "z"}});
    matched.AddAlert({{"a", "x"}, {"b", "yz"}});
    matched.AddAlert({{"a", "xyz"}, {"b", ""}});
  }
}

TEST(MatchIndex, WhatHasExpiredIsMatchedNoMore) {
  for (const Binding& binding : {BindOn("q", {"i"}), BindAgreeing("q")}) {
    Matched matched(binding);
    matched.AddAlert({{"i", "1"}});
    matched.AddSeries({{"i", "1"}});
    matched.AddAlert({{"i", "1"}});
    matched.ExpireOldestAlert();
    matched.AddSeries({{"i", "1"}, {"job", "a"}});
    matched.ExpireOldestAlert();
    matched.AddSeries({{"i", "1"}, {"job", "b"}});
    matched.AddAlert({{"i", "1"}});
  }
}

LabelSet RandomLabels(std::mt19937_64& random) {
  std::vector<LabelSet::Label> labels;
  for (const char* name : {"__name__", "a", "i", "job"}) {
    const auto choice = random() % 6;
    if (choice < 2) continue;
    labels.emplace_back(name, choice == 2 ? "" : std::to_string(choice % 2));
  }
  return LabelSet(labels);
}

TEST(MatchIndex, AnythingInAnyOrder) {
  const uint64_t seed = TestSeed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round));
    Matched matched(round % 3 == 0 ? BindOn("q", {"a", "i"}) : BindAgreeing("q"));
    for (int step = 0; step < 30; ++step) {
      const auto choice = random() % 8;
      if (choice == 0) {
        matched.ExpireOldestAlert();
      } else if (choice < 4) {
        matched.AddAlert(RandomLabels(random));
      } else {
        matched.AddSeries(RandomLabels(random));
      }
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace alertjoin

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "correlator-service/model/alert.h"

namespace alertjoin {

// What figures of alerts are about.
struct AlertSummaryRange {
  // Half-open.
  Timestamp from;
  Timestamp to;
  // What lasts has fired up to here.
  Timestamp now;
  // An episode that begins at most so long after the last known end of its alert is a flap.
  Millis flap_window = {};
};

// Figures of one group of alerts, within the range; alerts.proto says what each is.
struct AlertStatistics {
  LabelSet labels;
  uint32_t alerts = 0;
  uint32_t episodes = 0;
  uint32_t firing = 0;
  uint32_t flaps = 0;
  Millis firing_time = {};
  AlertState last_state = AlertState::kFiring;
  Timestamp last_event_time = Timestamp::Min();
};

struct AlertBucketStatistics {
  Timestamp start;
  uint32_t fired = 0;
  uint32_t resolved = 0;
  Millis firing_time = {};
};

// Sums up episodes. Not thread-safe.
//
// An episode whose end was never reported lasts up to the start of its alert's next one, and
// without a next one until now.
class AlertSummarizer {
 public:
  // Groups by the labels named in `by`; when there are none, by all labels. REQUIRES: from <= to.
  AlertSummarizer(const AlertSummaryRange& range, std::vector<std::string> by)
      : range_(range), by_(std::move(by)) {}

  // In any order, each once, also those from outside the range: they tell flaps and ends. Only
  // those that ended by MattersAfter may be left out.
  void Add(const Alert& alert);
  // So long before the range that no end up to then makes a flap within it.
  Timestamp MattersAfter() const;
  // What was left out may still be what ended an episode without an end: the alert's next one. For
  // this, after the last Add: NoteStart must be given all that began from here on up to the range;
  // nothing, when there is no such episode.
  std::optional<Timestamp> UnsureSince() const;
  // In any order, also what was added or is of other alerts. REQUIRES: it began before the range.
  void NoteStart(const Alert& alert);
  // How many of them are kept: no fewer than fired within the range.
  size_t kept() const { return kept_; }

  struct Group {
    AlertStatistics statistics;
    // Places of its alerts, for Buckets.
    std::vector<size_t> members;
    // Firing longest first; what is equal in that goes by the hashes of the labels.
    std::pair<Millis, uint64_t> Order() const {
      return {-statistics.firing_time, statistics.labels.Fingerprint()};
    }
  };
  // The groups in which something fired within the range, in order. After the last Add, once.
  std::vector<Group> Summarize();

  // Of a group, one for each bucket of this length in which something fired, began or ended.
  // REQUIRES: bucket > 0; few enough to be held in memory.
  std::vector<AlertBucketStatistics> Buckets(const Group& group, Millis bucket) const;

 private:
  struct Span {
    Timestamp start;
    std::optional<Timestamp> end;
    bool end_is_reported = false;
  };
  // What is kept of one alert.
  struct Episodes {
    // Of one of them: source, fingerprint and labels are those of all.
    std::shared_ptr<const Transition> transition;
    std::vector<Span> spans;
    // The last start that is known from before the range of an episode that is not kept, and the
    // last end.
    std::optional<Timestamp> began_before;
    std::optional<Timestamp> ended_before;
  };

  // Puts the spans in order, ends those that have no end, and drops those that ended too early.
  void Settle(Episodes& alert) const;
  void Count(const Episodes& alert, AlertStatistics& statistics) const;
  LabelSet LabelsOf(const Transition& transition) const;
  // The part of the span within the range.
  std::pair<Timestamp, Timestamp> Clip(const Span& span) const;

  const AlertSummaryRange range_;
  const std::vector<std::string> by_;
  std::vector<Episodes> alerts_;
  // By source and fingerprint, which `alerts_` holds.
  std::map<std::pair<std::string_view, std::string_view>, size_t> places_;
  size_t kept_ = 0;
};

}  // namespace alertjoin

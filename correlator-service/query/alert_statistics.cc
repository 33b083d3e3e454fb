#include "correlator-service/query/alert_statistics.h"

#include <algorithm>
#include <tuple>

#include "correlator-service/rows/alert_filter.h"

namespace alertjoin {

void AlertSummarizer::Add(const Alert& alert) {
  const Transition& transition = *alert.transition;
  const auto [place, is_new] =
      places_.try_emplace({transition.source, transition.fingerprint}, alerts_.size());
  if (is_new) alerts_.push_back({alert.transition, {}, {}, {}});
  Episodes& episodes = alerts_[place->second];
  if (alert.starts_at() >= range_.to) return;
  if (FiredWithin(alert, range_.from, range_.to)) {
    episodes.spans.push_back({alert.starts_at(), alert.ends_at(), alert.ends_at().has_value()});
    ++kept_;
  } else {
    // It has an end, or it would have fired within the range.
    const Timestamp end = *alert.ends_at();
    episodes.began_before =
        std::max(episodes.began_before.value_or(alert.starts_at()), alert.starts_at());
    episodes.ended_before = std::max(episodes.ended_before.value_or(end), end);
  }
}

Timestamp AlertSummarizer::MattersAfter() const {
  const Millis before = range_.flap_window + Millis(1);
  return std::max(range_.from, Timestamp::Min() + before) - before;
}

std::optional<Timestamp> AlertSummarizer::UnsureSince() const {
  std::optional<Timestamp> since;
  for (const Episodes& alert : alerts_) {
    // Whatever else there is, an earlier one was over when this one began.
    std::optional<Timestamp> last = alert.began_before;
    bool has_end = true;
    for (const Span& span : alert.spans) {
      if (span.start >= range_.from || span.start < last) continue;
      last = span.start;
      has_end = span.end.has_value();
    }
    if (!has_end) since = std::min(since.value_or(*last), *last);
  }
  return since;
}

void AlertSummarizer::NoteStart(const Alert& alert) {
  const auto place = places_.find({alert.transition->source, alert.transition->fingerprint});
  if (place == places_.end()) return;
  std::optional<Timestamp>& last = alerts_[place->second].began_before;
  last = std::max(last.value_or(alert.starts_at()), alert.starts_at());
}

void AlertSummarizer::Settle(Episodes& alert) const {
  std::ranges::sort(alert.spans, {}, &Span::start);
  for (size_t i = 0; i < alert.spans.size(); ++i) {
    Span& span = alert.spans[i];
    if (span.end) continue;
    if (i + 1 < alert.spans.size()) span.end = alert.spans[i + 1].start;
    if (alert.began_before && span.start < *alert.began_before) span.end = alert.began_before;
  }
  std::erase_if(alert.spans, [this](const Span& span) {
    return span.start < range_.from && span.end && *span.end <= range_.from;
  });
}

std::pair<Timestamp, Timestamp> AlertSummarizer::Clip(const Span& span) const {
  const Timestamp from = std::max(span.start, range_.from);
  const Timestamp end = span.end ? *span.end : range_.now;
  return {from, std::max(from, std::min(end, range_.to))};
}

void AlertSummarizer::Count(const Episodes& alert, AlertStatistics& statistics) const {
  // By time; of two at the same time that of the later episode.
  auto last = std::pair(statistics.last_event_time, Timestamp::Min());
  std::optional<Timestamp> last_end = alert.ended_before;
  for (const Span& span : alert.spans) {
    ++statistics.episodes;
    const auto [from, through] = Clip(span);
    statistics.firing_time += through - from;
    const bool is_over = span.end && *span.end < range_.to;
    if (!is_over) ++statistics.firing;
    const bool is_flap =
        span.start >= range_.from && last_end && span.start - *last_end <= range_.flap_window;
    if (is_flap) ++statistics.flaps;
    if (span.end_is_reported) last_end = std::max(last_end.value_or(*span.end), *span.end);
    const bool is_resolved = is_over && span.end_is_reported;
    const auto event = std::pair(is_resolved ? *span.end : span.start, span.start);
    if (event < last) continue;
    last = event;
    statistics.last_event_time = event.first;
    statistics.last_state = is_resolved ? AlertState::kResolved : AlertState::kFiring;
  }
}

LabelSet AlertSummarizer::LabelsOf(const Transition& transition) const {
  if (by_.empty()) return transition.labels;
  std::vector<LabelSet::LabelView> labels;
  for (const auto& [name, value] : transition.labels) {
    if (std::ranges::find(by_, name) != by_.end()) labels.emplace_back(name, value);
  }
  return LabelSet(std::span<const LabelSet::LabelView>(labels));
}

std::vector<AlertSummarizer::Group> AlertSummarizer::Summarize() {
  std::map<LabelSet, Group> by_labels;
  for (size_t place = 0; place < alerts_.size(); ++place) {
    Episodes& alert = alerts_[place];
    Settle(alert);
    if (alert.spans.empty()) continue;
    LabelSet labels = LabelsOf(*alert.transition);
    Group& group = by_labels[labels];
    group.statistics.labels = std::move(labels);
    ++group.statistics.alerts;
    group.members.push_back(place);
    Count(alert, group.statistics);
  }
  std::vector<Group> groups;
  groups.reserve(by_labels.size());
  for (auto& [labels, group] : by_labels) groups.push_back(std::move(group));
  std::ranges::sort(groups, {}, &Group::Order);
  return groups;
}

std::vector<AlertBucketStatistics> AlertSummarizer::Buckets(const Group& group,
                                                            Millis bucket) const {
  const auto place_of = [&](Timestamp time) {
    return static_cast<size_t>((time - range_.from) / bucket);
  };
  const Millis length = range_.to - range_.from;
  std::vector<AlertBucketStatistics> all(
      static_cast<size_t>((length + bucket - Millis(1)) / bucket));
  // Of each bucket, how many more fire throughout it than throughout the one before.
  std::vector<int64_t> throughout(all.size() + 1);
  for (const size_t member : group.members) {
    for (const Span& span : alerts_[member].spans) {
      if (span.start >= range_.from) ++all[place_of(span.start)].fired;
      const bool ends_here =
          span.end_is_reported && *span.end >= range_.from && *span.end < range_.to;
      if (ends_here) ++all[place_of(*span.end)].resolved;
      const auto [from, through] = Clip(span);
      if (from == through) continue;
      const size_t first = place_of(from);
      const size_t last = place_of(through - Millis(1));
      if (first == last) {
        all[first].firing_time += through - from;
        continue;
      }
      const auto start_of = [&](size_t place) {
        return range_.from + bucket * static_cast<int64_t>(place);
      };
      all[first].firing_time += start_of(first + 1) - from;
      all[last].firing_time += through - start_of(last);
      ++throughout[first + 1];
      --throughout[last];
    }
  }
  std::vector<AlertBucketStatistics> found;
  int64_t firing = 0;
  for (size_t place = 0; place < all.size(); ++place) {
    firing += throughout[place];
    AlertBucketStatistics& statistics = all[place];
    statistics.start = range_.from + bucket * static_cast<int64_t>(place);
    statistics.firing_time += bucket * firing;
    const bool is_empty =
        statistics.fired == 0 && statistics.resolved == 0 && statistics.firing_time == Millis(0);
    if (!is_empty) found.push_back(statistics);
  }
  return found;
}

}  // namespace alertjoin

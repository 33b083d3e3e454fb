#include "correlator-service/verify/verify_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "common/status/status.h"
#include "common/time/rfc3339.h"
#include "correlator-service/verify/log_facts.h"

namespace alertjoin {
namespace {

// What makes a row the one it is, for people and for comparing.
struct RowName {
  std::string source;
  std::string fingerprint;
  AlertState state;
  Timestamp starts_at;
  std::optional<Query> query;      // None: UNBOUND.
  std::optional<LabelSet> series;  // None: NO_SERIES, or UNBOUND.
  friend auto operator<=>(const RowName&, const RowName&) = default;
};

std::string ToText(const RowName& name) {
  return fmt::format("{} of alert {} of {} from {}, query {}, series {}",
                     name.state == AlertState::kFiring ? "FIRING" : "RESOLVED", name.fingerprint,
                     name.source, FormatRfc3339(name.starts_at),
                     name.query ? name.query->name : "none",
                     name.series ? ToString(*name.series) : "none");
}

struct ExpectedRow {
  Timestamp event_time;
  Match match;
  bool final = true;
};
using ExpectedRows = std::map<RowName, ExpectedRow>;

// Reports whose intervals overlap: one firing period.
struct Episode {
  Timestamp starts_at;
  Timestamp through;
  std::optional<Timestamp> ends_at;
  std::vector<AlertReport> reports;
};

std::vector<Episode> EpisodesOf(const std::vector<AlertReport>& by_start) {
  std::vector<Episode> episodes;
  for (const AlertReport& report : by_start) {
    const Timestamp through =
        std::max(report.starts_at, report.ends_at.value_or(report.last_reported));
    if (episodes.empty() || report.starts_at >= episodes.back().through) {
      episodes.push_back({report.starts_at, report.starts_at, {}, {}});
    }
    Episode& episode = episodes.back();
    episode.through = std::max(episode.through, through);
    episode.ends_at = std::max(episode.ends_at, report.ends_at);
    episode.reports.push_back(report);
  }
  return episodes;
}

bool Belongs(const LabelSet& alert, const LabelSet& series, const Binding& binding) {
  if (binding.matching == Matching::kOn) {
    return std::all_of(binding.on.begin(), binding.on.end(), [&](const std::string& name) {
      return alert.Get(name) == series.Get(name);
    });
  }
  return std::all_of(series.begin(), series.end(), [&](const auto& label) {
    return label.first == "__name__" || !alert.Has(label.first) ||
           alert.Get(label.first) == label.second;
  });
}

Match MatchByRule(const LogFacts::Samples& samples, Timestamp time, const Binding& binding) {
  Match match;
  match.state = MatchState::kNoSample;
  auto behind = binding.strict ? samples.lower_bound(time) : samples.upper_bound(time);
  if (behind != samples.begin()) {
    const auto& [sample_time, value] = *std::prev(behind);
    match.sample_time = sample_time;
    match.state =
        time - sample_time > binding.tolerance ? MatchState::kTooOld : MatchState::kMatched;
    if (IsStaleMarker(value)) match.state = MatchState::kStale;
    if (match.state == MatchState::kMatched) match.value = value;
  }
  if (!binding.first_after) return match;
  for (auto next = samples.upper_bound(time); next != samples.end(); ++next) {
    if (IsStaleMarker(next->second)) continue;
    match.next_sample_time = next->first;
    match.next_value = next->second;
    break;
  }
  return match;
}

// Whether no further sample can be expected that would change the match.
bool IsFinal(const LogFacts& facts, const Match& match, Timestamp time, const Binding& binding) {
  const Timestamp oldest = time - binding.tolerance;
  Timestamp from = std::max(match.sample_time.value_or(oldest), oldest);
  if (binding.query.time_kind == TimeKind::kEvaluation) from = time;
  Timestamp through = binding.first_after ? time + binding.tolerance : time;
  if (binding.first_after && match.next_sample_time) {
    through = std::min(through, *match.next_sample_time);
  }
  return facts.IsComplete(binding.query, {from, through});
}

bool SameOptional(const std::optional<double>& a, const std::optional<double>& b) {
  return a.has_value() == b.has_value() && (!a || SameValue(*a, *b));
}

class Verifier {
 public:
  Verification Take() { return std::move(result_); }
  LogFacts& facts() { return facts_; }
  void CountRecord() { ++result_.records; }

  void AddReport(AlertReport report) {
    if (!alert_.empty() && (alert_.back().source != report.source ||
                            alert_.back().fingerprint != report.fingerprint)) {
      EndAlert();
    }
    alert_.push_back(std::move(report));
  }

  void EndAlert() {
    if (alert_.empty()) return;
    ++result_.alerts;
    for (const Episode& episode : EpisodesOf(alert_)) {
      ExpectSide(episode, AlertState::kFiring);
      ExpectSide(episode, AlertState::kResolved);
    }
    alert_.clear();
  }

  void Compare(const JoinedRow& row) {
    ++result_.rows;
    const RowName name = NameOf(row);
    const auto expected = expected_.find(name);
    const bool is_kept = row.transition->event_time() < facts_.horizons().samples;
    if (expected == expected_.end()) {
      if (is_kept) {
        ++result_.rows_kept;
      } else {
        Differ(name, "should not be there");
      }
      return;
    }
    ExpectedRow& by_rule = expected->second;
    if (by_rule.event_time != row.transition->event_time()) {
      Differ(name,
             fmt::format("is at {}, should be at {}", FormatRfc3339(row.transition->event_time()),
                         FormatRfc3339(by_rule.event_time)));
    } else if (is_kept) {
      ++result_.rows_kept;
    } else {
      ++result_.rows_compared;
      CompareMatch(name, row, by_rule);
    }
    expected_.erase(expected);
  }

  // After the last row.
  void EndRows() {
    for (const auto& [name, row] : expected_) {
      // A row from before the samples may have had other series.
      if (row.event_time >= facts_.horizons().samples) Differ(name, "is missing");
    }
  }

 private:
  static RowName NameOf(const JoinedRow& row) {
    RowName name{row.transition->source,
                 row.transition->fingerprint,
                 row.transition->state,
                 row.transition->starts_at,
                 {},
                 {}};
    if (row.binding != nullptr) name.query = row.binding->query;
    if (row.match.series != nullptr) name.series = row.match.series->labels;
    return name;
  }

  void ExpectSide(const Episode& episode, AlertState state) {
    const Transition* first = nullptr;
    // Of several bindings of a query the first by their order counts.
    std::map<Query, const Binding*> bindings;
    for (const AlertReport& report : episode.reports) {
      const auto& side = state == AlertState::kFiring ? report.firing : report.resolved;
      if (!side) continue;
      if (first == nullptr) first = side->first.get();
      for (const auto& binding : side->bindings) {
        const Binding*& chosen = bindings[binding->query];
        if (chosen == nullptr || binding->Key() < chosen->Key()) chosen = binding.get();
      }
    }
    if (first == nullptr) return;
    const Timestamp time =
        state == AlertState::kFiring ? episode.starts_at : episode.ends_at.value();
    const RowName name{first->source, first->fingerprint, state, episode.starts_at, {}, {}};
    if (bindings.empty()) {
      ExpectedRow unbound{time, {}, true};
      unbound.match.state = MatchState::kUnbound;
      expected_.emplace(name, unbound);
    }
    for (const auto& [query, binding] : bindings) ExpectQuery(name, *first, time, *binding);
  }

  void ExpectQuery(RowName name, const Transition& alert, Timestamp time, const Binding& binding) {
    name.query = binding.query;
    bool has_series = false;
    const auto& samples = facts_.samples();
    for (auto series = samples.lower_bound({binding.query, LabelSet()});
         series != samples.end() && series->first.first == binding.query; ++series) {
      if (!Belongs(alert.labels, series->first.second, binding)) continue;
      has_series = true;
      name.series = series->first.second;
      ExpectedRow row{time, MatchByRule(series->second, time, binding), true};
      row.final = IsFinal(facts_, row.match, time, binding);
      expected_.emplace(name, row);
    }
    if (has_series) return;
    ExpectedRow row{time, {}, true};
    row.match.state = MatchState::kNoSeries;
    row.final = IsFinal(facts_, row.match, time, binding);
    expected_.emplace(name, row);
  }

  void CompareMatch(const RowName& name, const JoinedRow& row, const ExpectedRow& by_rule) {
    const Match& stored = row.match;
    const Match& match = by_rule.match;
    if (stored.state != match.state) {
      Differ(name, fmt::format("has match state {}, should have {}", static_cast<int>(stored.state),
                               static_cast<int>(match.state)));
    } else if (stored.sample_time != match.sample_time ||
               !SameOptional(stored.value, match.value)) {
      Differ(name, "has another sample than the newest at or before its time");
    } else if (stored.next_sample_time != match.next_sample_time ||
               !SameOptional(stored.next_value, match.next_value)) {
      Differ(name, "has another next sample than the first after its time");
    } else if (row.final && !by_rule.final) {
      // The other way round is no error: samples that were refused hold progress back.
      Differ(name, "is final, but no progress says so");
    }
  }

  void Differ(const RowName& name, const std::string& how) {
    ++result_.differences;
    if (result_.examples.size() >= Verification::kExamplesMax) return;
    result_.examples.push_back(fmt::format("row {}", ToText(name)) + ": " + how);
  }

  Verification result_;
  LogFacts facts_;
  std::vector<AlertReport> alert_;  // The one whose reports are coming.
  ExpectedRows expected_;
};

}  // namespace

absl::StatusOr<Verification> VerifyRows(RoundLog& log, const RowDatabase& database) {
  if (database.applied().Next() != log.bounds().next) {
    return WithReason(
        absl::FailedPreconditionError(fmt::format(
            "the rows have seen records up to {}, the event log goes up to {}: start the service, "
            "stop it in good order, and verify again",
            database.applied().value(), log.bounds().next.value() - 1)),
        "ROWS_BEHIND");
  }
  Verifier verifier;
  const auto add_round = [&verifier](LogPosition, Round&& round) {
    verifier.facts().Add(round);
    verifier.CountRecord();
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(log.Replay(add_round));
  RETURN_IF_ERROR(database.ForEachReport(
      [&verifier](AlertReport report) { verifier.AddReport(std::move(report)); }));
  verifier.EndAlert();
  RETURN_IF_ERROR(
      database.ForEachRow([&verifier](const JoinedRow& row) { verifier.Compare(row); }));
  verifier.EndRows();
  return verifier.Take();
}

}  // namespace alertjoin

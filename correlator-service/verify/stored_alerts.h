#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "correlator-service/rows/row_database.h"

namespace alertjoin {

// What makes an episode the one it is, for people and for comparing.
struct EpisodeName {
  std::string source;
  std::string fingerprint;
  Timestamp starts_at;
  friend auto operator<=>(const EpisodeName&, const EpisodeName&) = default;
};
std::string ToText(const EpisodeName& name);

// What readers were told last of each alert, as far as the change log reaches back, to be compared
// with the episodes of the reports. Shares nothing with the engine. Not thread-safe.
class StoredAlerts {
 public:
  struct Difference {
    EpisodeName name;
    std::string how;
  };

  // Reads the whole change log, and the sequences of all alerts; takes memory for all alerts. Each
  // change set is shown to `visit`, too. The errors of the database.
  using Visit = std::function<void(const ChangeSet&)>;
  static absl::StatusOr<StoredAlerts> Read(const RowDatabase& database, const Visit& visit);

  // How the alert of an episode differs from what it should be; empty when it does not, or when its
  // last change is no longer in the change log. Once for each episode.
  std::string Compare(const EpisodeName& name, std::optional<Timestamp> ends_at,
                      std::optional<Timestamp> active_at);
  // After the last Compare: what is wrong with the others.
  std::vector<Difference> Rest() const;
  // Episodes whose last change was there.
  uint64_t compared() const { return compared_; }

 private:
  void Take(const ChangeSet& set);

  struct LastChange {
    SharedAlert alert;  // Its operation says whether it was removed.
    Sequence sequence;  // Of the change.
  };
  std::map<RowId, LastChange> by_id_;
  std::map<RowId, Sequence> sequences_;   // As they are kept beside the log.
  std::map<EpisodeName, RowId> by_name_;  // Of those that were not compared yet.
  std::set<EpisodeName> removed_;
  std::vector<Difference> doubled_;
  uint64_t compared_ = 0;
};

}  // namespace alertjoin

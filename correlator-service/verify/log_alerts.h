#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "correlator-service/model/alert_report.h"
#include "correlator-service/pipeline/round.h"
#include "correlator-service/verify/stored_alerts.h"

namespace alertjoin {

// What the notifications of a log say of alerts, start by start, to be compared with the reports
// that were kept of them: so that one is missed of which nothing at all was kept. Shares nothing
// with the engine. Takes memory for each start that the log tells of. Not thread-safe.
//
// The log may begin after what the reports tell of, never the other way round: a report says all
// that the log says of its start, and may say more. Left out are starts of which some notification
// was heard before the horizon of the rows: it was refused, or its report has gone since, perhaps
// to be made anew of the notifications that came later. Where the log's begin has been trimmed, a
// start may have ended there and gone: a notification that it still fires says only when it began.
class LogAlerts {
 public:
  struct Difference {
    EpisodeName name;
    std::string alert_name;  // Its label `alertname`.
    std::string how;
  };

  // Whether the log still has its first round.
  explicit LogAlerts(bool is_whole) : is_whole_(is_whole) {}

  // Adds what the next round of the log says.
  void Add(const Round& round);

  // After the last Add, once for each report: how it falls short of what the log says of its start;
  // nothing when it does not.
  std::optional<Difference> Compare(const AlertReport& report);
  // After the last Compare: the starts of which there is no report.
  std::vector<Difference> Rest() const;
  // Starts that were compared, those of Rest apart.
  uint64_t compared() const { return compared_; }

 private:
  struct Told {
    bool firing = false;
    bool resolved = false;
    Timestamp last_reported = Timestamp::Min();  // While firing.
    Timestamp first_heard = Timestamp::Max();    // The earliest time at which it was known to last.
    std::optional<Timestamp> ends_at;            // The latest.
    std::optional<Timestamp> active_at;          // The earliest.
  };
  struct Starts {
    std::string alert_name;
    std::map<Timestamp, Told> told;
  };

  void AddTransition(const Transition& event);
  bool IsCompared(const Told& told) const { return told.first_heard >= row_horizon_; }
  static std::string Shortfall(const Told& told, const AlertReport& report);

  bool is_whole_;
  std::map<std::pair<std::string, std::string>, Starts> alerts_;  // By source and fingerprint.
  Timestamp row_horizon_ = Timestamp::Min();
  uint64_t compared_ = 0;
};

}  // namespace alertjoin

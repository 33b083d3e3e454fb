#pragma once

#include <optional>
#include <string>

#include "common/text/matchers.h"
#include "correlator-service/model/alert.h"

namespace alertjoin {

// Which alerts a reader wants: the conjunction of what is set. A value type; Matches may be called
// from several threads.
struct AlertFilter {
  Matchers matchers;  // On the alert's labels.
  std::optional<AlertState> state;
  std::string source;  // The alert source; empty: any.
  Matchers scope;      // What the reader may see at all (reader_scope.h).

  // Of the alert as it stands; its operation does not matter.
  bool Matches(const Alert& alert) const { return Matches(alert, alert.transition->state); }
  // As it was when it had this state. All else that is looked at is the same in all versions.
  bool Matches(const Alert& alert, AlertState as_it_was) const;
  // Equal filters have equal texts, which are none of another kind of filter. For comparing, and
  // for people.
  std::string ToString() const;
};

// Whether the episode fired at some time in [from, to); null: no beginning, no end. One that began
// and ended at the same moment fired at that moment.
bool FiredWithin(const Alert& alert, std::optional<Timestamp> from, std::optional<Timestamp> to);

}  // namespace alertjoin

#include "correlator-service/rows/alert_filter.h"

#include <fmt/format.h>

#include "correlator-service/rows/reader_scope.h"

namespace alertjoin {

bool AlertFilter::Matches(const Alert& alert, AlertState as_it_was) const {
  if (state.has_value() && as_it_was != *state) return false;
  if (!source.empty() && alert.transition->source != source) return false;
  return scope.Matches(alert.transition->labels) && matchers.Matches(alert.transition->labels);
}

std::string AlertFilter::ToString() const {
  // The free text comes last, so that nothing in it can be taken for another argument.
  return fmt::format("alerts {}state={} filter={} source={}", ScopeText(scope),
                     state.has_value() ? static_cast<int>(*state) : 0, matchers.ToString(), source);
}

bool FiredWithin(const Alert& alert, std::optional<Timestamp> from, std::optional<Timestamp> to) {
  if (to.has_value() && alert.starts_at() >= *to) return false;
  if (!from.has_value() || alert.starts_at() >= *from) return true;
  return !alert.ends_at().has_value() || *alert.ends_at() > *from;
}

}  // namespace alertjoin

#include "correlator-service/rows/reader_scope.h"

#include <algorithm>

namespace alertjoin {

bool ContradictsNone(const Matchers& scope, const LabelSet& labels) {
  return std::ranges::all_of(scope.list(), [&labels](const Matcher& matcher) {
    return !labels.Has(matcher.name()) || matcher.Matches(labels);
  });
}

std::string ScopeText(const Matchers& scope) {
  return scope.empty() ? std::string() : "scope=" + scope.ToString() + " ";
}

}  // namespace alertjoin

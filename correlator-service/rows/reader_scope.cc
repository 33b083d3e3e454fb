#include "correlator-service/rows/reader_scope.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace alertjoin {

Matchers Both(const Matchers& a, const Matchers& b) {
  std::vector<Matcher> all = a.list();
  all.insert(all.end(), b.list().begin(), b.list().end());
  return Matchers(std::move(all));
}

std::string Both(const Matchers& scope, const std::string& filter) {
  const auto parsed = ParseMatchers(filter);
  return parsed.ok() ? Both(scope, *parsed).ToString() : filter;
}

bool ContradictsNone(const Matchers& scope, const LabelSet& labels) {
  return std::ranges::all_of(scope.list(), [&labels](const Matcher& matcher) {
    return !labels.Has(matcher.name()) || matcher.Matches(labels);
  });
}

}  // namespace alertjoin

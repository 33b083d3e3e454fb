#include "correlator-service/rows/reader_scope.h"

#include <algorithm>

namespace alertjoin {

bool ContradictsNone(const Matchers& scope, const LabelSet& labels) {
  return std::ranges::all_of(scope.list(), [&labels](const Matcher& matcher) {
    return !labels.Has(matcher.name()) || matcher.Matches(labels);
  });
}

std::shared_ptr<const std::string> ErrorInScope(const Matchers& scope,
                                                std::shared_ptr<const std::string> error) {
  static const auto* const kWithheld = new std::shared_ptr<const std::string>(
      std::make_shared<const std::string>("the text is not shown to readers with a filter"));
  return scope.empty() || error == nullptr ? error : *kWithheld;
}

std::string ScopeText(const Matchers& scope) {
  return scope.empty() ? std::string() : "scope=" + scope.ToString() + " ";
}

}  // namespace alertjoin

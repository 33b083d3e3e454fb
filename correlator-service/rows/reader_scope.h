#pragma once

#include <memory>
#include <string>

#include "common/text/matchers.h"

namespace alertjoin {

// What a reader with a filter of its own (identities[].filter) may see: an alert when its labels
// match all matchers, a series when its labels do; a joined row when its alert matches, and its
// series is labelled as nobody else's. Each filter of a request has a field `scope` with these
// matchers, which hold besides its own; there are none for a reader who may see everything.

// Whether each matcher holds whose label is there at all: a metric seldom carries the labels that a
// rule adds to its alert.
bool ContradictsNone(const Matchers& scope, const LabelSet& labels);
// What the reader is told of an error text of a metrics source; null stays null. In a scope it is
// that there is one: the text may quote series that are others' ("many-to-many matching ...").
std::shared_ptr<const std::string> ErrorInScope(const Matchers& scope,
                                                std::shared_ptr<const std::string> error);
// The part of a filter's text that says the scope, so that filters with other scopes are others;
// nothing without one.
std::string ScopeText(const Matchers& scope);

}  // namespace alertjoin

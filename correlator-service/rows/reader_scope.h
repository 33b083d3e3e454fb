#pragma once

#include <string>

#include "common/text/matchers.h"

namespace alertjoin {

// What a reader with a filter of its own (identities[].filter) may see: an alert when its labels
// match all matchers, a series when its labels do; a joined row when its alert matches, and its
// series is labelled as nobody else's.

// Both must hold.
Matchers Both(const Matchers& a, const Matchers& b);
// The same where one is a filter of a request. One that does not parse is given back as it is, for
// whoever parses it to refuse.
std::string Both(const Matchers& scope, const std::string& filter);
// Whether each matcher holds whose label is there at all: a metric seldom carries the labels that a
// rule adds to its alert.
bool ContradictsNone(const Matchers& scope, const LabelSet& labels);

}  // namespace alertjoin

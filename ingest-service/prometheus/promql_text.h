#pragma once

#include <optional>
#include <string_view>

namespace alertjoin {

// What can be said about a PromQL expression from its text alone, without knowing functions or
// types. On the least doubt an answer is the cautious one. All views are slices of the argument and
// live as long as it does.

// The expression without spaces, comments and parentheses around it: `( (up) ) # all` gives `up`.
// The whole argument without the spaces around it when it cannot be read.
std::string_view StripParentheses(std::string_view expression);

// Whether the expression, once stripped, is a metric name, matchers in braces, or both, and nothing
// else: no offset, no @, no range. Its samples are raw samples, and a range can be put behind
// StripParentheses of it.
bool IsPlainSelector(std::string_view expression);

// An expression of an alerting rule, taken apart at its comparison.
struct ObservedComparison {
  // What is compared; the whole expression when there is no comparison to split at.
  std::string_view observed;
  // One of > >= < <= == !=, as seen from `observed`; empty when there is none.
  std::string_view comparison_operator;
  // What it is compared with; there exactly when there is an operator.
  std::optional<double> threshold;
};

// Splits `queue_depth > 90` into queue_depth, > and 90; the other way round (`90 < queue_depth`)
// gives the same. Splits only where the meaning is beyond doubt: one comparison outside of all
// inner parentheses, without `bool` or vector matching, not combined by and, or, unless, and with a
// number (signed and in parentheses as may be, but no arithmetic) on exactly one side. Splitting
// `observed` again gives the whole of it.
ObservedComparison SplitComparison(std::string_view expression);

}  // namespace alertjoin

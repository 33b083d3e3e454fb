#pragma once

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

}  // namespace alertjoin

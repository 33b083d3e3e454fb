#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alertjoin {

// A part of an alerting rule's expression whose value an on-call reader wants to see.
struct ObservedOperand {
  // A slice of the rule's expression without parentheses around it: an expression by itself.
  std::string_view expression;
  // One of > >= < <= == !=, as seen from this operand; empty when no single comparison tells what
  // the rule demands of it.
  std::string_view comparison_operator;
  // The number it is compared with; nothing when that is not a constant.
  std::optional<double> threshold;
  // The labels by which the rule matches this operand with the one that the alert has its labels
  // from; nothing when it matches by all that both have, or when that is not known.
  std::optional<std::vector<std::string>> on;
};

// More operands are not told apart.
constexpr size_t kObservedOperandsMax = 16;

// Takes an expression apart at its comparisons. In order of appearance, each text once:
//
//   queue_depth > 90                queue_depth > 90; the same for 90 < queue_depth
//   a > 5 and b < 3, a > 5 or b < 3 both sides: a > 5, b < 3
//   a > 5 unless on(job) b > 3      a > 5, and b without an operator: whether b > 3 holds keeps the
//                                   alert from firing, which `b > 3` beside b's value would belie
//   a > on(job) group_left b        both: a with >, b with <, without a threshold
//   a > 5 and b                     a > 5, and b
//   3 < a < 7, a > 5 unless a > 9   a, without an operator: neither bound tells it all
//   (a or b) > 5                    (a or b) > 5: what an operator works on is evaluated as it is,
//   sum(a > 1) / b offset 5m > 2    with its own comparisons, offset, @, bool and all
//   a > 5 * 60                      a > 300; arithmetic on numbers is folded where every step is
//                                   exact, else the operand has an operator without a threshold
//   absent(a), -a, a > bool 5, a and b, rate(a[5m])
//                                   the whole: nothing is compared that would leave something out.
//                                   absent() is 1 while the alert fires and has no value otherwise
//
// On the least doubt, and when there are too many operands, the whole is observed, without an
// operator. Taking the expression of an operand apart again gives that expression and nothing else.
// Empty only for an expression of nothing but spaces. The views live as long as
// `expression`.
std::vector<ObservedOperand> ObservedOperands(std::string_view expression);

}  // namespace alertjoin

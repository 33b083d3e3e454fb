#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/text/labels.h"

namespace re2 {
class RE2;
}

namespace alertjoin {

constexpr size_t kMatchersTextBytesMax = 16 << 10;
constexpr size_t kMatchersMax = 64;

// One condition on one label. An absent label equals an empty one. A value type; the compiled
// expression is shared and immutable.
class Matcher {
 public:
  enum class Operator {
    kEqual,       // =
    kNotEqual,    // !=
    kMatches,     // =~ : the whole value matches the RE2 expression.
    kMatchesNot,  // !~
  };

  // INVALID_ARGUMENT, without position, when the expression is none or needs too much memory.
  static absl::StatusOr<Matcher> Create(std::string name, Operator op, std::string value);

  bool Matches(const LabelSet& labels) const;

  const std::string& name() const { return name_; }
  Operator op() const { return op_; }
  const std::string& value() const { return value_; }
  // name="value" with ", \ and newlines escaped; the name is quoted where it has to be.
  std::string ToString() const;

  friend bool operator==(const Matcher& a, const Matcher& b) { return (a <=> b) == 0; }
  friend std::strong_ordering operator<=>(const Matcher& a, const Matcher& b);

 private:
  Matcher(std::string name, Operator op, std::string value);

  std::string name_;
  Operator op_;
  std::string value_;
  std::shared_ptr<const re2::RE2> regex_;  // Of the operators =~ and !~.
};

// A conjunction of matchers; the empty one matches everything. A value type; const members may be
// called from several threads.
class Matchers {
 public:
  Matchers() = default;
  explicit Matchers(std::vector<Matcher> matchers);

  bool Matches(const LabelSet& labels) const;

  // Ordered by name, operator and value, each once.
  const std::vector<Matcher>& list() const { return matchers_; }
  bool empty() const { return matchers_.empty(); }
  size_t size() const { return matchers_.size(); }
  // {a="b",c=~"d"}: the same text for all ways to write the same matchers; parses to an equal one.
  std::string ToString() const;

  friend bool operator==(const Matchers&, const Matchers&) = default;

 private:
  std::vector<Matcher> matchers_;
};

// Parses matchers as Alertmanager writes them: `severity=critical,job=~"api.*"`, in braces or not,
// with spaces around every token, a comma at the end or not. The empty text matches everything.
// - Operators: = != =~ !~. Expressions are RE2 and match the whole value.
// - A label name is [a-zA-Z_][a-zA-Z0-9_:.-]* or quoted; not empty.
// - A value is quoted, with the escapes \" \\ \n (any other backslash stands for itself, as in
//   Alertmanager), or it ends before the next comma or brace, without the spaces around it, and
//   has no quotes in it. It may be empty.
// INVALID_ARGUMENT, reason INVALID_FILTER, field "filter", with the column (1-based, in characters)
// and what was expected there; also above kMatchersTextBytesMax bytes or kMatchersMax matchers.
absl::StatusOr<Matchers> ParseMatchers(std::string_view text);

}  // namespace alertjoin

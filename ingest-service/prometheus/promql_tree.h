#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest-service/prometheus/promql_tokens.h"

namespace alertjoin {

// How an expression is put together, as far as it matters where it may be taken apart: operators
// with their sides, and parts that are looked into no further.
struct PromqlNode {
  enum class Kind {
    kPart,         // A selector, call, aggregation, text or subquery, with its offset and @.
    kNumber,       // A literal; Prometheus 3 takes a duration for one, too.
    kParentheses,  // Around `left`.
    kSign,         // - or + in front of `left`.
    kArithmetic,   // + - * / % ^ atan2
    kComparison,   // == != < <= > >=
    kSet,          // and or unless
  };
  enum class Type { kScalar, kVector, kRange, kString };
  // Which side of a binary operator may have several series for one of the other.
  enum class ManySide { kNone, kLeft, kRight };

  Kind kind = Kind::kPart;
  Type type = Type::kVector;
  // Its tokens: from `first`, up to but without `end`.
  size_t first = 0;
  size_t end = 0;
  size_t depth = 0;  // Of the nodes below it.
  // Numbers of nodes; of a binary operator both are there.
  size_t left = 0;
  size_t right = 0;
  std::string_view operation;  // Of a binary operator or a sign, as written.
  bool with_bool = false;      // Gives 0 or 1 for every element, and leaves none out.
  // The labels named in on(...), without quotes; nothing when there is no on(...).
  std::optional<std::vector<std::string>> on;
  ManySide many = ManySide::kNone;
};

struct PromqlTree {
  std::string_view text;
  std::vector<PromqlToken> tokens;
  std::vector<PromqlNode> nodes;
  size_t root = 0;

  // Without parentheses around it.
  const PromqlNode& Strip(const PromqlNode& node) const;
  std::string_view TextOf(const PromqlNode& node) const;
};

// Deepest nesting of parentheses, operators and arguments that is read.
constexpr size_t kPromqlDepthMax = 100;

// Reads a PromQL expression. Nothing when it is none, uses what is not known here (modifiers of
// later versions), has operators on what they do not work on, or is nested too deeply: then nothing
// can be said about the expression. Functions and their arguments are not checked. The views live
// as long as `expression`. Source: prometheus/prometheus promql/parser/generated_parser.y.
std::optional<PromqlTree> ParsePromql(std::string_view expression);

}  // namespace alertjoin

#pragma once

#include <compare>
#include <string>
#include <tuple>

namespace alertjoin {

// What the time of a query's samples means.
enum class TimeKind {
  kSample = 1,      // True scrape time.
  kEvaluation = 2,  // The expression was evaluated at that time.
};

// A named PromQL expression of one metrics source. Identity: (source, name, expression).
struct Query {
  std::string source;
  std::string name;
  std::string expression;
  TimeKind time_kind = TimeKind::kSample;

  friend bool operator==(const Query& a, const Query& b) {
    return std::tie(a.source, a.name, a.expression) == std::tie(b.source, b.name, b.expression);
  }
  friend auto operator<=>(const Query& a, const Query& b) {
    return std::tie(a.source, a.name, a.expression) <=> std::tie(b.source, b.name, b.expression);
  }
};

}  // namespace alertjoin

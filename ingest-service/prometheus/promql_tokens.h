#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace alertjoin {

enum class PromqlTokenKind {
  kIdentifier,    // Metric and function names, keywords, label names.
  kNumber,        // 5, .5, 1e-3, 0x1F, Inf, NaN (any case); without a sign.
  kDuration,      // 5m, 1h30m
  kString,        // "...", '...' or `...`, with the quotes.
  kComparison,    // == != < <= > >= outside of braces.
  kMatch,         // = != =~ !~ inside of braces.
  kArithmetic,    // + - * / % ^
  kOpenParen,     // (
  kCloseParen,    // )
  kOpenBrace,     // {
  kCloseBrace,    // }
  kOpenBracket,   // [
  kCloseBracket,  // ]
  kComma,         // ,
  kColon,         // : inside of brackets.
  kAt,            // @
};

// Words that mean something else than a metric even where they stand alone.
constexpr std::array<std::string_view, 14> kPromqlReserved = {
    "and", "or",       "unless",     "bool",        "by",     "without", "on",
    "end", "ignoring", "group_left", "group_right", "offset", "atan2",   "start"};

// A piece of an expression. Views into the text that was given to TokenizePromql.
struct PromqlToken {
  PromqlTokenKind kind;
  std::string_view text;
  size_t offset;
};

// Splits a PromQL expression into its tokens, without spaces and comments. Nothing when a character
// or a string is none of PromQL's, or when parentheses, braces and brackets are not balanced: then
// nothing can be said about the expression. The views live as long as `expression`.
// Source: prometheus/prometheus promql/parser/lex.go.
std::optional<std::vector<PromqlToken>> TokenizePromql(std::string_view expression);

// Equal without regard to the case of ASCII letters, as PromQL's keywords are. `keyword` is lower
// case.
bool IsKeyword(std::string_view text, std::string_view keyword);

}  // namespace alertjoin

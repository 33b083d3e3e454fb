#include "ingest-service/prometheus/promql_text.h"

#include <array>
#include <span>
#include <vector>

#include "ingest-service/prometheus/promql_tokens.h"

namespace alertjoin {
namespace {

using Kind = PromqlTokenKind;
using Tokens = std::span<const PromqlToken>;

std::string_view TrimSpaces(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return text.substr(0, 0);
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The text from the first to the last token. REQUIRES: not empty.
std::string_view SliceOf(std::string_view expression, Tokens tokens) {
  const size_t begin = tokens.front().offset;
  return expression.substr(begin, tokens.back().offset + tokens.back().text.size() - begin);
}

bool Opens(Kind kind) {
  return kind == Kind::kOpenParen || kind == Kind::kOpenBrace || kind == Kind::kOpenBracket;
}
bool Closes(Kind kind) {
  return kind == Kind::kCloseParen || kind == Kind::kCloseBrace || kind == Kind::kCloseBracket;
}

// Whether the first token is a parenthesis that the last one closes.
bool Enclosed(Tokens tokens) {
  if (tokens.size() < 2 || tokens.front().kind != Kind::kOpenParen) return false;
  int depth = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (Opens(tokens[i].kind)) ++depth;
    if (Closes(tokens[i].kind) && --depth == 0) return i + 1 == tokens.size();
  }
  return false;
}

Tokens Strip(Tokens tokens) {
  while (Enclosed(tokens)) tokens = tokens.subspan(1, tokens.size() - 2);
  return tokens;
}

bool IsOneOf(const PromqlToken& token, std::span<const std::string_view> keywords) {
  if (token.kind != Kind::kIdentifier) return false;
  for (const std::string_view keyword : keywords) {
    if (IsKeyword(token.text, keyword)) return true;
  }
  return false;
}

// [label or "name"] op "value", or "name" alone, with commas between and perhaps at the end.
bool AreMatchers(Tokens tokens) {
  size_t i = 0;
  while (i < tokens.size()) {
    const bool quoted = tokens[i].kind == Kind::kString;
    if (!quoted && tokens[i].kind != Kind::kIdentifier) return false;
    if (i + 2 < tokens.size() && tokens[i + 1].kind == Kind::kMatch &&
        tokens[i + 2].kind == Kind::kString) {
      i += 3;
    } else if (quoted) {
      i += 1;
    } else {
      return false;
    }
    if (i == tokens.size()) return true;
    if (tokens[i].kind != Kind::kComma) return false;
    ++i;
  }
  return true;
}

bool IsSelector(Tokens tokens) {
  if (tokens.empty()) return false;
  if (tokens.front().kind == Kind::kIdentifier) {
    if (IsOneOf(tokens.front(), kPromqlReserved)) return false;
    tokens = tokens.subspan(1);
    if (tokens.empty()) return true;
  }
  // Braces cannot be nested, so the first closing one is the one that belongs to the first.
  if (tokens.size() < 2 || tokens.front().kind != Kind::kOpenBrace ||
      tokens.back().kind != Kind::kCloseBrace) {
    return false;
  }
  return AreMatchers(tokens.subspan(1, tokens.size() - 2));
}

}  // namespace

std::string_view StripParentheses(std::string_view expression) {
  const auto tokens = TokenizePromql(expression);
  if (!tokens.has_value()) return TrimSpaces(expression);
  const Tokens stripped = Strip(*tokens);
  if (stripped.empty()) return TrimSpaces(expression);
  return SliceOf(expression, stripped);
}

bool IsPlainSelector(std::string_view expression) {
  const auto tokens = TokenizePromql(expression);
  return tokens.has_value() && IsSelector(Strip(*tokens));
}

}  // namespace alertjoin

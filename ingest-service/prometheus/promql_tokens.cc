#include "ingest-service/prometheus/promql_tokens.h"

#include <algorithm>
#include <string>

namespace alertjoin {
namespace {

// Not <cctype>, which asks the locale.
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::optional<std::vector<PromqlToken>> Run() {
    while (true) {
      SkipSpacesAndComments();
      if (position_ == text_.size()) break;
      if (!Next()) return std::nullopt;
    }
    if (!open_.empty()) return std::nullopt;
    return std::move(tokens_);
  }

 private:
  char Peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  bool InBraces() const { return !open_.empty() && open_.back() == '}'; }
  bool InBrackets() const { return !open_.empty() && open_.back() == ']'; }

  void SkipSpacesAndComments() {
    while (position_ < text_.size()) {
      if (text_[position_] == '#') {
        position_ = std::min(text_.find('\n', position_), text_.size());
      } else if (IsSpace(text_[position_])) {
        ++position_;
      } else {
        return;
      }
    }
  }

  bool Emit(PromqlTokenKind kind, size_t length) {
    tokens_.push_back({kind, text_.substr(position_, length), position_});
    position_ += length;
    return true;
  }

  bool Next() {
    const char c = Peek();
    if (c == '"' || c == '\'' || c == '`') return String(c);
    if (InBraces()) {
      if (IsLetter(c)) return Word();
      if (c == '=' || c == '!') return Match();
    } else {
      if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return Number();
      if (InBrackets() && c == ':') return Emit(PromqlTokenKind::kColon, 1);
      if (IsLetter(c) || c == ':') return Word();
      if (c == '=' || c == '!' || c == '<' || c == '>') return Comparison();
      if (std::string_view("+-*/%^").find(c) != std::string_view::npos) {
        return Emit(PromqlTokenKind::kArithmetic, 1);
      }
      if (c == '@') return Emit(PromqlTokenKind::kAt, 1);
    }
    return Punctuation(c);
  }

  bool Punctuation(char c) {
    switch (c) {
      case ',':
        return Emit(PromqlTokenKind::kComma, 1);
      case '(':
        return Open(PromqlTokenKind::kOpenParen, ')');
      case '{':
        return Open(PromqlTokenKind::kOpenBrace, '}');
      case '[':
        return Open(PromqlTokenKind::kOpenBracket, ']');
      case ')':
        return Close(PromqlTokenKind::kCloseParen);
      case '}':
        return Close(PromqlTokenKind::kCloseBrace);
      case ']':
        return Close(PromqlTokenKind::kCloseBracket);
      default:
        return false;
    }
  }

  // Nothing opens inside of braces, and only a subquery's parts stand inside of brackets.
  bool Open(PromqlTokenKind kind, char closer) {
    if (InBraces() || InBrackets()) return false;
    open_.push_back(closer);
    return Emit(kind, 1);
  }

  bool Close(PromqlTokenKind kind) {
    if (open_.empty() || open_.back() != Peek()) return false;
    open_.pop_back();
    return Emit(kind, 1);
  }

  bool String(char quote) {
    size_t end = position_ + 1;
    while (end < text_.size() && text_[end] != quote) {
      if (quote != '`' && text_[end] == '\n') return false;
      if (quote != '`' && text_[end] == '\\') ++end;
      ++end;
    }
    if (end >= text_.size()) return false;
    return Emit(PromqlTokenKind::kString, end + 1 - position_);
  }

  bool Word() {
    size_t length = 1;
    while (IsLetter(Peek(length)) || IsDigit(Peek(length)) ||
           (Peek(length) == ':' && !InBraces() && !InBrackets())) {
      ++length;
    }
    const std::string_view word = text_.substr(position_, length);
    const bool number = !InBraces() && (IsKeyword(word, "inf") || IsKeyword(word, "nan"));
    return Emit(number ? PromqlTokenKind::kNumber : PromqlTokenKind::kIdentifier, length);
  }

  bool Match() {
    if (Peek(1) == '~' || (Peek() == '!' && Peek(1) == '=')) {
      return Emit(PromqlTokenKind::kMatch, 2);
    }
    return Peek() == '=' && Emit(PromqlTokenKind::kMatch, 1);
  }

  bool Comparison() {
    if (Peek(1) == '=') return Emit(PromqlTokenKind::kComparison, 2);
    if (Peek() == '=' || Peek() == '!') return false;
    return Emit(PromqlTokenKind::kComparison, 1);
  }

  bool Number() {
    size_t length = NumberLength();
    PromqlTokenKind kind = PromqlTokenKind::kNumber;
    if (const size_t duration = DurationLength(); duration > 0) {
      kind = PromqlTokenKind::kDuration;
      length = duration;
    }
    // `1_000`, `5q`, `1.2.3`: not ours to interpret.
    const char next = Peek(length);
    if (IsLetter(next) || IsDigit(next) || next == '.') return false;
    return Emit(kind, length);
  }

  size_t NumberLength() const {
    size_t length = 0;
    if (Peek() == '0' && Lower(Peek(1)) == 'x' && IsHexDigit(Peek(2))) {
      length = 2;
      while (IsHexDigit(Peek(length))) ++length;
      return length;
    }
    while (IsDigit(Peek(length))) ++length;
    if (Peek(length) == '.') ++length;
    while (IsDigit(Peek(length))) ++length;
    if (Lower(Peek(length)) == 'e') {
      size_t exponent = length + 1;
      if (Peek(exponent) == '+' || Peek(exponent) == '-') ++exponent;
      if (IsDigit(Peek(exponent))) {
        length = exponent;
        while (IsDigit(Peek(length))) ++length;
      }
    }
    return length;
  }

  // Of digits with units behind them, at least one pair; 0 when there is none.
  size_t DurationLength() const {
    size_t length = 0;
    while (IsDigit(Peek(length))) {
      size_t end = length;
      while (IsDigit(Peek(end))) ++end;
      if (Peek(end) == 'm' && Peek(end + 1) == 's') {
        end += 2;
      } else if (std::string_view("smhdwy").find(Peek(end)) != std::string_view::npos) {
        end += 1;
      } else {
        return 0;
      }
      length = end;
    }
    return length;
  }

  const std::string_view text_;
  size_t position_ = 0;
  std::string open_;  // The closers that are awaited, innermost last.
  std::vector<PromqlToken> tokens_;
};

}  // namespace

std::optional<std::vector<PromqlToken>> TokenizePromql(std::string_view expression) {
  return Lexer(expression).Run();
}

bool IsKeyword(std::string_view text, std::string_view keyword) {
  return std::equal(text.begin(), text.end(), keyword.begin(), keyword.end(),
                    [](char a, char b) { return Lower(a) == b; });
}

}  // namespace alertjoin

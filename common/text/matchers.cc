#include "common/text/matchers.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <tuple>

#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "common/text/quoted.h"

namespace alertjoin {
namespace {

// Of one compiled expression with its cache of states. With kMatchersMax this bounds a filter.
constexpr int64_t kRegexBytesMax = 256 << 10;

bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool IsNamePart(char c) {
  return IsNameStart(c) || (c >= '0' && c <= '9') || c == ':' || c == '.' || c == '-';
}

bool IsBareName(std::string_view name) {
  return !name.empty() && IsNameStart(name[0]) && std::all_of(name.begin(), name.end(), IsNamePart);
}

const char* OperatorText(Matcher::Operator op) {
  switch (op) {
    case Matcher::Operator::kEqual:
      return "=";
    case Matcher::Operator::kNotEqual:
      return "!=";
    case Matcher::Operator::kMatches:
      return "=~";
    case Matcher::Operator::kMatchesNot:
      return "!~";
  }
  return "";
}

}  // namespace

Matcher::Matcher(std::string name, Operator op, std::string value)
    : name_(std::move(name)), op_(op), value_(std::move(value)) {}

absl::StatusOr<Matcher> Matcher::Create(std::string name, Operator op, std::string value) {
  Matcher matcher(std::move(name), op, std::move(value));
  if (op == Operator::kMatches || op == Operator::kMatchesNot) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_max_mem(kRegexBytesMax);
    auto regex = std::make_shared<const RE2>(matcher.value_, options);
    if (!regex->ok()) {
      return absl::InvalidArgumentError(fmt::format("\"{}\" is no RE2 regular expression: {}",
                                                    Excerpt(matcher.value_),
                                                    Excerpt(regex->error(), kLongExcerptBytes)));
    }
    matcher.regex_ = std::move(regex);
  }
  return matcher;
}

bool Matcher::Matches(const LabelSet& labels) const {
  const std::string_view value = labels.Get(name_);
  switch (op_) {
    case Operator::kEqual:
      return value == value_;
    case Operator::kNotEqual:
      return value != value_;
    case Operator::kMatches:
      return RE2::FullMatch(value, *regex_);
    case Operator::kMatchesNot:
      return !RE2::FullMatch(value, *regex_);
  }
  return false;
}

std::string Matcher::ToString() const {
  return (IsBareName(name_) ? name_ : Quoted(name_)) + OperatorText(op_) + Quoted(value_);
}

std::strong_ordering operator<=>(const Matcher& a, const Matcher& b) {
  return std::tie(a.name_, a.op_, a.value_) <=> std::tie(b.name_, b.op_, b.value_);
}

Matchers::Matchers(std::vector<Matcher> matchers) : matchers_(std::move(matchers)) {
  std::sort(matchers_.begin(), matchers_.end());
  matchers_.erase(std::unique(matchers_.begin(), matchers_.end()), matchers_.end());
}

bool Matchers::Matches(const LabelSet& labels) const {
  return std::all_of(matchers_.begin(), matchers_.end(),
                     [&labels](const Matcher& matcher) { return matcher.Matches(labels); });
}

std::string Matchers::ToString() const {
  std::string text = "{";
  for (const Matcher& matcher : matchers_) {
    if (text.size() > 1) text += ',';
    text += matcher.ToString();
  }
  return text + '}';
}

namespace {

// A recursive-descent parser without recursion: list := '{'? (matcher (',' matcher)* ','?)? '}'?
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<Matchers> Parse() {
    if (text_.size() > kMatchersTextBytesMax) {
      return Error(0, fmt::format("expected at most {} bytes, found {}", kMatchersTextBytesMax,
                                  text_.size()));
    }
    SkipSpaces();
    const bool braces = Take('{');
    SkipSpaces();
    std::vector<Matcher> matchers;
    while (!AtEnd() && Peek() != '}') {
      if (matchers.size() == kMatchersMax) {
        return Error(at_, fmt::format("expected at most {} matchers", kMatchersMax));
      }
      ASSIGN_OR_RETURN(Matcher matcher, ParseMatcher());
      matchers.push_back(std::move(matcher));
      SkipSpaces();
      if (!Take(',')) break;
      SkipSpaces();
    }
    if (braces && !Take('}')) return Expected(R"("," or "}")");
    SkipSpaces();
    if (!AtEnd()) return Expected(braces ? "the end after \"}\"" : "\",\" or the end");
    return Matchers(std::move(matchers));
  }

 private:
  bool AtEnd() const { return at_ == text_.size(); }
  char Peek() const { return text_[at_]; }
  bool StartsWith(std::string_view token) const { return text_.substr(at_).starts_with(token); }
  static bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  bool Take(char c) {
    if (AtEnd() || Peek() != c) return false;
    ++at_;
    return true;
  }
  void SkipSpaces() {
    while (!AtEnd() && IsSpace(Peek())) ++at_;
  }

  absl::StatusOr<Matcher> ParseMatcher() {
    ASSIGN_OR_RETURN(std::string name, ParseName());
    SkipSpaces();
    ASSIGN_OR_RETURN(const Matcher::Operator op, ParseOperator());
    SkipSpaces();
    const size_t value_at = at_;
    ASSIGN_OR_RETURN(std::string value, ParseValue());
    auto matcher = Matcher::Create(std::move(name), op, std::move(value));
    if (!matcher.ok()) return Error(value_at, MessageOf(matcher.status()));
    return matcher;
  }

  absl::StatusOr<std::string> ParseName() {
    const size_t start = at_;
    if (!AtEnd() && Peek() == '"') {
      ASSIGN_OR_RETURN(std::string name, ParseQuoted());
      if (name.empty()) return Error(start, "expected a label name, found an empty one");
      return name;
    }
    if (AtEnd() || !IsNameStart(Peek())) return Expected("a label name");
    while (!AtEnd() && IsNamePart(Peek())) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  absl::StatusOr<Matcher::Operator> ParseOperator() {
    using enum Matcher::Operator;
    if (StartsWith("==")) return Expected(R"("=" for equality)");
    const Matcher::Operator op = StartsWith("=~")   ? kMatches
                                 : StartsWith("!~") ? kMatchesNot
                                 : StartsWith("!=") ? kNotEqual
                                                    : kEqual;
    if (op == kEqual && !StartsWith("=")) {
      return Expected(R"("=", "!=", "=~" or "!~" after the label name)");
    }
    at_ += op == kEqual ? 1 : 2;
    return op;
  }

  absl::StatusOr<std::string> ParseValue() {
    if (!AtEnd() && Peek() == '"') return ParseQuoted();
    // In PromQL these quote as well; here they would be a part of a value that nothing has.
    if (!AtEnd() && (Peek() == '\'' || Peek() == '`')) {
      return Expected("a value in double quotes");
    }
    if (!AtEnd() && (Peek() == '=' || Peek() == '~')) {
      return Expected("a value (in quotes when it starts with \"=\" or \"~\")");
    }
    const size_t start = at_;
    bool spaced = false;
    for (; !AtEnd() && Peek() != ',' && Peek() != '}'; ++at_) {
      if (Peek() == '"')
        return Expected("\",\" or the end (a value with quotes in it needs quotes)");
      // `a=b c=d` is a forgotten comma, never a value that was meant.
      if (spaced && Peek() == '=') {
        return Expected("\",\" before this matcher (a value with \" =\" in it needs quotes)");
      }
      spaced = spaced || IsSpace(Peek());
    }
    size_t end = at_;
    while (end > start && IsSpace(text_[end - 1])) --end;
    return std::string(text_.substr(start, end - start));
  }

  absl::StatusOr<std::string> ParseQuoted() {
    const size_t opening = at_++;
    std::string value;
    while (!AtEnd() && Peek() != '"') {
      char c = text_[at_++];
      if (c == '\\' && !AtEnd()) {
        const char escaped = Peek();
        if (escaped == '"' || escaped == '\\' || escaped == 'n') {
          c = escaped == 'n' ? '\n' : escaped;
          ++at_;
        }
      }
      value += c;
    }
    if (!Take('"')) return Error(opening, "expected a closing quote for this one");
    return value;
  }

  absl::Status Expected(std::string_view what) const {
    return Error(
        at_, fmt::format("expected {}, found {}", what,
                         AtEnd() ? "the end" : fmt::format("\"{}\"", Excerpt(text_.substr(at_)))));
  }

  absl::Status Error(size_t at, std::string_view what) const {
    const std::string_view before = text_.substr(0, at);
    // Continuation bytes of UTF-8 are no characters.
    const auto characters = std::count_if(before.begin(), before.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    });
    const std::string description = fmt::format("column {}: {}", characters + 1, what);
    return MakeError("INVALID_FILTER", fmt::format("filter: {}", description),
                     {{}, {{"filter", description}}, {}});
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<Matchers> ParseMatchers(std::string_view text) { return Parser(text).Parse(); }

}  // namespace alertjoin

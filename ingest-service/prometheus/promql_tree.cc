#include "ingest-service/prometheus/promql_tree.h"

#include <algorithm>
#include <array>
#include <utility>

namespace alertjoin {
namespace {

using Kind = PromqlTokenKind;
using Node = PromqlNode;
using Found = std::optional<size_t>;  // The number of a node.

// From the loosest to the tightest.
enum Precedence { kOr = 1, kAnd, kCompare, kAdd, kMultiply, kPower };

struct Operator {
  Node::Kind kind;
  int precedence;
};

// What stands between the quotes. Nothing where more than a quote or a backslash is escaped: nobody
// names labels so.
std::optional<std::string> Unquoted(std::string_view text) {
  const char quote = text.front();
  const std::string_view inner = text.substr(1, text.size() - 2);
  if (quote == '`') return std::string(inner);
  std::string unquoted;
  for (size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] == '\\' && (++i == inner.size() || (inner[i] != quote && inner[i] != '\\'))) {
      return std::nullopt;
    }
    unquoted += inner[i];
  }
  return unquoted;
}

// Prometheus 3 takes names with any characters, where they stand in quotes.
std::optional<std::string> LabelName(const PromqlToken& token) {
  if (token.kind == Kind::kString) {
    auto name = Unquoted(token.text);
    return name.has_value() && !name->empty() ? name : std::nullopt;
  }
  const bool plain =
      token.kind == Kind::kIdentifier && token.text.find(':') == std::string_view::npos;
  return plain ? std::optional<std::string>(token.text) : std::nullopt;
}

// Reads by precedence: a binary operator takes as its right side whatever binds tighter.
class Parser {
 public:
  explicit Parser(std::vector<PromqlToken> tokens) : tokens_(std::move(tokens)) {}

  Found Run() {
    const Found root = Binary(kOr);
    return root.has_value() && next_ == tokens_.size() ? root : std::nullopt;
  }
  std::vector<PromqlToken>& tokens() { return tokens_; }
  std::vector<Node>& nodes() { return nodes_; }

 private:
  // One more level of nesting while it lives.
  class Level {
   public:
    explicit Level(size_t& level) : level_(++level), counter_(level) {}
    ~Level() { --counter_; }
    bool TooDeep() const { return level_ > kPromqlDepthMax; }

   private:
    const size_t level_;
    size_t& counter_;
  };

  bool Sees(Kind kind) const { return next_ < tokens_.size() && tokens_[next_].kind == kind; }
  bool SeesWord(std::string_view keyword) const {
    return Sees(Kind::kIdentifier) && IsKeyword(tokens_[next_].text, keyword);
  }
  bool Take(Kind kind) {
    if (!Sees(kind)) return false;
    ++next_;
    return true;
  }
  bool TakeWord(std::string_view keyword) {
    if (!SeesWord(keyword)) return false;
    ++next_;
    return true;
  }
  bool TakeSign() {
    if (!Sees(Kind::kArithmetic)) return false;
    if (tokens_[next_].text != "-" && tokens_[next_].text != "+") return false;
    ++next_;
    return true;
  }
  bool TakeDuration() { return Take(Kind::kDuration) || Take(Kind::kNumber); }

  // Nothing when it is nested too deeply: a chain of operators is deep, too.
  Found Add(Node node) {
    node.end = next_;
    if (node.depth > kPromqlDepthMax) return std::nullopt;
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
  }

  std::optional<Operator> PeekOperator() const {
    if (Sees(Kind::kComparison)) return Operator{Node::Kind::kComparison, kCompare};
    if (Sees(Kind::kArithmetic)) {
      const char sign = tokens_[next_].text[0];
      const int precedence = sign == '^' ? kPower : sign == '+' || sign == '-' ? kAdd : kMultiply;
      return Operator{Node::Kind::kArithmetic, precedence};
    }
    if (SeesWord("or")) return Operator{Node::Kind::kSet, kOr};
    if (SeesWord("and") || SeesWord("unless")) return Operator{Node::Kind::kSet, kAnd};
    if (SeesWord("atan2")) return Operator{Node::Kind::kArithmetic, kMultiply};
    return std::nullopt;
  }

  Found Binary(int least) {
    const Level level(level_);
    if (level.TooDeep()) return std::nullopt;
    Found left = Operand();
    while (left.has_value()) {
      const auto op = PeekOperator();
      if (!op.has_value() || op->precedence < least) return left;
      Node node;
      node.kind = op->kind;
      node.first = nodes_[*left].first;
      node.left = *left;
      node.operation = tokens_[next_].text;
      ++next_;
      if (!Modifiers(node)) return std::nullopt;
      const Found right = Binary(op->precedence == kPower ? kPower : op->precedence + 1);
      if (!right.has_value()) return std::nullopt;
      node.right = *right;
      left = Join(std::move(node));
    }
    return std::nullopt;
  }

  // Gives a binary operator its type, when it works on those of its sides.
  Found Join(Node node) {
    const Node& left = nodes_[node.left];
    const Node& right = nodes_[node.right];
    for (const Node* const side : {&left, &right}) {
      if (side->type != Node::Type::kScalar && side->type != Node::Type::kVector) {
        return std::nullopt;
      }
    }
    const bool scalars = left.type == Node::Type::kScalar && right.type == Node::Type::kScalar;
    const bool any_scalar = left.type == Node::Type::kScalar || right.type == Node::Type::kScalar;
    if (node.kind == Node::Kind::kSet && any_scalar) return std::nullopt;
    if (node.kind == Node::Kind::kComparison && scalars && !node.with_bool) return std::nullopt;
    node.type = scalars ? Node::Type::kScalar : Node::Type::kVector;
    node.depth = std::max(left.depth, right.depth) + 1;
    return Add(std::move(node));
  }

  // bool, on(...) or ignoring(...), group_left or group_right. False when they are at fault.
  bool Modifiers(Node& node) {
    if (SeesWord("bool")) {
      if (node.kind != Node::Kind::kComparison) return false;
      node.with_bool = true;
      ++next_;
    }
    std::vector<std::string> names;
    if (TakeWord("on")) {
      if (!LabelNames(&names)) return false;
      node.on = std::move(names);
    } else if (TakeWord("ignoring")) {
      if (!LabelNames(&names)) return false;
    } else {
      return true;
    }
    if (TakeWord("group_left")) node.many = Node::ManySide::kLeft;
    if (node.many == Node::ManySide::kNone && TakeWord("group_right")) {
      node.many = Node::ManySide::kRight;
    }
    if (node.many == Node::ManySide::kNone) return true;
    std::vector<std::string> included;
    if (Sees(Kind::kOpenParen) && !LabelNames(&included)) return false;
    return node.kind != Node::Kind::kSet;
  }

  bool LabelNames(std::vector<std::string>* names) {
    if (!Take(Kind::kOpenParen)) return false;
    while (!Take(Kind::kCloseParen)) {
      std::optional<std::string> name;
      if (next_ < tokens_.size()) name = LabelName(tokens_[next_]);
      if (!name.has_value()) return false;
      names->push_back(*std::move(name));
      ++next_;
      if (!Take(Kind::kComma) && !Sees(Kind::kCloseParen)) return false;
    }
    return true;
  }

  Found Operand() {
    const size_t first = next_;
    if (TakeSign()) {
      // Binds looser than ^ and as tightly as *.
      const Found signed_part = Binary(kPower);
      if (!signed_part.has_value()) return std::nullopt;
      const Node& part = nodes_[*signed_part];
      if (part.type != Node::Type::kScalar && part.type != Node::Type::kVector) return std::nullopt;
      Node node;
      node.kind = Node::Kind::kSign;
      node.type = part.type;
      node.first = first;
      node.depth = part.depth + 1;
      node.left = *signed_part;
      node.operation = tokens_[first].text;
      return Add(std::move(node));
    }
    return Behind(Simple(), first);
  }

  // [range], [subquery], offset and @ behind what they belong to.
  Found Behind(Found found, size_t first) {
    while (found.has_value()) {
      Node node;
      node.first = first;
      node.type = nodes_[*found].type;
      if (Sees(Kind::kOpenBracket)) {
        node.type = Node::Type::kRange;
        if (!Brackets()) return std::nullopt;
      } else if (TakeWord("offset")) {
        TakeSign();
        if (!TakeDuration()) return std::nullopt;
      } else if (Take(Kind::kAt)) {
        if (!Moment()) return std::nullopt;
      } else {
        return found;
      }
      if (nodes_[*found].kind == Node::Kind::kNumber) return std::nullopt;
      node.depth = nodes_[*found].depth;
      found = Add(std::move(node));
    }
    return std::nullopt;
  }

  bool Brackets() {
    if (!Take(Kind::kOpenBracket) || !TakeDuration()) return false;
    if (Take(Kind::kColon)) TakeDuration();
    return Take(Kind::kCloseBracket);
  }

  bool Moment() {
    if (TakeSign()) return Take(Kind::kNumber);
    if (Take(Kind::kNumber)) return true;
    if (!TakeWord("start") && !TakeWord("end")) return false;
    return Take(Kind::kOpenParen) && Take(Kind::kCloseParen);
  }

  Found Simple() {
    Node node;
    node.first = next_;
    if (TakeDuration()) {
      node.kind = Node::Kind::kNumber;
      node.type = Node::Type::kScalar;
      return Add(std::move(node));
    }
    if (Take(Kind::kString)) {
      node.type = Node::Type::kString;
      return Add(std::move(node));
    }
    if (Take(Kind::kOpenParen)) {
      const Found inner = Binary(kOr);
      if (!inner.has_value() || !Take(Kind::kCloseParen)) return std::nullopt;
      node.kind = Node::Kind::kParentheses;
      node.type = nodes_[*inner].type;
      node.left = *inner;
      node.depth = nodes_[*inner].depth + 1;
      return Add(std::move(node));
    }
    if (Sees(Kind::kOpenBrace)) return Matchers() ? Add(std::move(node)) : std::nullopt;
    return Sees(Kind::kIdentifier) ? Named(std::move(node)) : std::nullopt;
  }

  // A metric, a function or an aggregation.
  Found Named(Node node) {
    for (const std::string_view reserved : kPromqlReserved) {
      if (SeesWord(reserved)) return std::nullopt;
    }
    for (const std::string_view scalar : {"scalar", "time", "pi"}) {
      if (SeesWord(scalar)) node.type = Node::Type::kScalar;
    }
    ++next_;
    bool grouped = false;
    if (!Grouping(&grouped)) return std::nullopt;
    if (Sees(Kind::kOpenParen)) {
      if (!Arguments()) return std::nullopt;
      if (!grouped && !Grouping(&grouped)) return std::nullopt;
      return Add(std::move(node));
    }
    node.type = Node::Type::kVector;
    if (grouped || (Sees(Kind::kOpenBrace) && !Matchers())) return std::nullopt;
    return Add(std::move(node));
  }

  bool Grouping(bool* grouped) {
    if (!TakeWord("by") && !TakeWord("without")) return true;
    *grouped = true;
    std::vector<std::string> names;
    return LabelNames(&names);
  }

  bool Arguments() {
    if (!Take(Kind::kOpenParen)) return false;
    if (Take(Kind::kCloseParen)) return true;
    do {
      if (!Binary(kOr).has_value()) return false;
    } while (Take(Kind::kComma));
    return Take(Kind::kCloseParen);
  }

  // What can stand between braces is checked by who needs to know.
  bool Matchers() {
    if (!Take(Kind::kOpenBrace)) return false;
    while (next_ < tokens_.size() && !Sees(Kind::kCloseBrace)) ++next_;
    return Take(Kind::kCloseBrace);
  }

  std::vector<PromqlToken> tokens_;
  std::vector<Node> nodes_;
  size_t next_ = 0;
  size_t level_ = 0;
};

}  // namespace

const PromqlNode& PromqlTree::Strip(const PromqlNode& node) const {
  const PromqlNode* inner = &node;
  while (inner->kind == PromqlNode::Kind::kParentheses) inner = &nodes[inner->left];
  return *inner;
}

std::string_view PromqlTree::TextOf(const PromqlNode& node) const {
  const size_t begin = tokens[node.first].offset;
  const PromqlToken& last = tokens[node.end - 1];
  return text.substr(begin, last.offset + last.text.size() - begin);
}

std::optional<PromqlTree> ParsePromql(std::string_view expression) {
  auto tokens = TokenizePromql(expression);
  if (!tokens.has_value()) return std::nullopt;
  Parser parser(*std::move(tokens));
  const Found root = parser.Run();
  if (!root.has_value()) return std::nullopt;
  return PromqlTree{expression, std::move(parser.tokens()), std::move(parser.nodes()), *root};
}

}  // namespace alertjoin

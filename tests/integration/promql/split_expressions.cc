// Takes alerting expressions apart: reads one a line, each a JSON string, and writes one JSON
// object for each: its operands and its tokens (null when it has none).

#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "ingest-service/prometheus/promql_operands.h"
#include "ingest-service/prometheus/promql_tokens.h"

namespace alertjoin {
namespace {

using nlohmann::json;

json OperandJson(const ObservedOperand& operand, const std::string& expression) {
  json out = {{"expression", operand.expression},
              {"offset", operand.expression.data() - expression.data()},
              {"operator", operand.comparison_operator},
              {"threshold", nullptr},
              {"on", nullptr}};
  if (operand.threshold.has_value()) out["threshold"] = fmt::format("{}", *operand.threshold);
  if (operand.on.has_value()) out["on"] = *operand.on;
  return out;
}

std::string KindOf(PromqlTokenKind kind) {
  switch (kind) {
    case PromqlTokenKind::kIdentifier:
      return "identifier";
    case PromqlTokenKind::kNumber:
      return "number";
    case PromqlTokenKind::kString:
      return "string";
    default:
      return "other";
  }
}

json SplitJson(const std::string& expression) {
  json out = {{"operands", json::array()}, {"tokens", nullptr}};
  for (const ObservedOperand& operand : ObservedOperands(expression)) {
    out["operands"].push_back(OperandJson(operand, expression));
  }
  const auto tokens = TokenizePromql(expression);
  if (!tokens.has_value()) return out;
  out["tokens"] = json::array();
  for (const PromqlToken& token : *tokens) {
    out["tokens"].push_back({KindOf(token.kind), token.text});
  }
  return out;
}

}  // namespace
}  // namespace alertjoin

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto expression = nlohmann::json::parse(line).get<std::string>();
    std::cout << alertjoin::SplitJson(expression).dump() << "\n";
  }
  return 0;
}

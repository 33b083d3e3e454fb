#include "correlator-service/rows/row_filter.h"

#include <fmt/format.h>

#include "correlator-service/rows/reader_scope.h"

namespace alertjoin {

bool RowFilter::Matches(const JoinedRow& row) const {
  if (final_only && !row.final) return false;
  if (state.has_value() && row.transition->state != *state) return false;
  if (match_state.has_value() && row.match.state != *match_state) return false;
  if (!query_name.empty() && (row.binding == nullptr || row.binding->query.name != query_name)) {
    return false;
  }
  if (!scope.empty() &&
      (!scope.Matches(row.transition->labels) ||
       (row.match.series != nullptr && !ContradictsNone(scope, row.match.series->labels)))) {
    return false;
  }
  return matchers.Matches(row.transition->labels);
}

std::shared_ptr<const JoinedRow> RowFilter::InScope(std::shared_ptr<const JoinedRow> row) const {
  if (scope.empty() || row->match.query_error == nullptr) return row;
  auto told = std::make_shared<JoinedRow>(*row);
  told->match.query_error = ErrorInScope(scope, row->match.query_error);
  return told;
}

std::string RowFilter::ToString() const {
  // The free text comes last, so that nothing in it can be taken for another argument.
  return fmt::format("{}state={} final_only={} match_state={} filter={} query_name={}",
                     ScopeText(scope), state.has_value() ? static_cast<int>(*state) : 0, final_only,
                     match_state.has_value() ? static_cast<int>(*match_state) : 0,
                     matchers.ToString(), query_name);
}

uint64_t ArgumentHash(std::string_view text) {
  // FNV-1a, 64 bits.
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

}  // namespace alertjoin

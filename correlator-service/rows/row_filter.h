#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/text/matchers.h"
#include "correlator-service/model/joined_row.h"

namespace alertjoin {

// Which rows a reader wants: the conjunction of what is set. A value type; Matches may be called
// from several threads.
struct RowFilter {
  Matchers matchers;  // On the alert's labels.
  std::optional<AlertState> state;
  std::string query_name;  // Empty: any. An UNBOUND row has no query, so no name matches it.
  bool final_only = false;
  std::optional<MatchState> match_state;
  Matchers scope;  // What the reader may see at all (reader_scope.h).

  // Of the row as it stands; its operation does not matter.
  bool Matches(const JoinedRow& row) const;
  // The row, which matches now or did before, as the reader is told of it: in a scope without the
  // text of an error. No row goes to a reader in another way.
  std::shared_ptr<const JoinedRow> InScope(std::shared_ptr<const JoinedRow> row) const;
  // Equal filters have equal texts. For comparing, and for people.
  std::string ToString() const;
};

// A hash of a text that is the same in every process and release: of a reader's arguments, so that
// a token can be told to be of other ones.
uint64_t ArgumentHash(std::string_view text);

}  // namespace alertjoin

#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "correlator-service/http/flat_cell.h"

namespace alertjoin {

struct FlatColumn {
  const char* name;
  FlatType type;
  const char* comment;
};

// The answers of a listing as a flat table: the one description that all formats and the docs are
// made from. Columns may be added at the end; none changes its name or goes. Immutable.
class FlatTable {
 public:
  using TakeRow = std::function<void(std::span<const FlatCell>)>;

  virtual ~FlatTable() = default;
  virtual const char* name() const = 0;
  virtual const char* comment() const = 0;
  virtual const std::vector<FlatColumn>& columns() const = 0;
  // The listing, whose request has page_size and page_token.
  virtual const google::protobuf::MethodDescriptor& method() const = 0;
  virtual int page_size_max() const = 0;
  virtual size_t CountRows(const google::protobuf::Message& answer) const = 0;
  // Hands over the rows of an answer, cell by column, and behind these one cell for each of the
  // labels. The cells are valid during the call. At most
  // `rows_max`.
  virtual void ReadRows(const google::protobuf::Message& answer,
                        std::span<const std::string> labels, size_t rows_max,
                        const TakeRow& take) const = 0;
};

// joined, alerts, samples.
std::span<const FlatTable* const> FlatTables();

}  // namespace alertjoin

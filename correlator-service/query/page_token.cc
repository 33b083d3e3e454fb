#include "correlator-service/query/page_token.h"

#include <algorithm>

#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/rows/opaque_token.h"

namespace alertjoin {

std::string EncodePageToken(const RowPosition& position, uint64_t argument_hash) {
  TokenWriter writer;
  writer.AddUint64(argument_hash);
  writer.AddTime(position.event_time);
  writer.AddBytes(std::string(position.id.bytes.begin(), position.id.bytes.end()));
  return writer.Seal(TokenKind::kPage);
}

absl::StatusOr<RowPosition> DecodePageToken(std::string_view text, uint64_t argument_hash) {
  auto reader = TokenReader::Open(TokenKind::kPage, text);
  uint64_t given_for = 0;
  RowPosition position;
  if (reader.has_value()) {
    given_for = reader->ReadUint64();
    position.event_time = reader->ReadTime();
    const std::string id = reader->ReadBytes(position.id.bytes.size());
    std::copy(id.begin(), id.end(), position.id.bytes.begin());
  }
  if (!reader.has_value() || !reader->AtEnd()) {
    return InvalidField("INVALID_PAGE_TOKEN", "page_token",
                        "this is no token of a listing: give next_page_token back unchanged");
  }
  if (given_for != argument_hash) {
    return InvalidField("INVALID_PAGE_TOKEN", "page_token",
                        "the token was given for other arguments: use the same again, or begin "
                        "without a token");
  }
  return position;
}

}  // namespace alertjoin

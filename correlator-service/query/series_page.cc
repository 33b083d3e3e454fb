#include "correlator-service/query/series_page.h"

#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/rows/opaque_token.h"

namespace alertjoin {

std::string EncodeSeriesPageToken(const SeriesPosition& position, uint64_t argument_hash,
                                  uint64_t run_id) {
  TokenWriter writer;
  writer.AddUint64(argument_hash);
  writer.AddUint64(run_id);
  writer.AddUint64(position.place.query);
  writer.AddUint64(position.place.series);
  writer.AddTime(position.from);
  return writer.Seal(TokenKind::kSeriesPage);
}

absl::StatusOr<SeriesPosition> DecodeSeriesPageToken(std::string_view text, uint64_t argument_hash,
                                                     uint64_t run_id) {
  auto reader = TokenReader::Open(TokenKind::kSeriesPage, text);
  SeriesPosition position;
  uint64_t given_for = 0;
  uint64_t given_in = 0;
  if (reader.has_value()) {
    given_for = reader->ReadUint64();
    given_in = reader->ReadUint64();
    position.place.query = reader->ReadUint64();
    position.place.series = reader->ReadUint64();
    position.from = reader->ReadTime();
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
  if (given_in != run_id) {
    return InvalidField("INVALID_PAGE_TOKEN", "page_token",
                        "the correlator was started again since: begin without a token");
  }
  return position;
}

}  // namespace alertjoin

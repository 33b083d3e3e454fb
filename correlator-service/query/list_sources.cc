#include "correlator-service/query/list_sources.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "common/event/event_limits.h"
#include "common/event/event_parts.h"
#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/query/request_fields.h"
#include "correlator-service/rows/opaque_token.h"

namespace alertjoin {
namespace {

constexpr int kPageSizeDefault = 100;
constexpr int kPageSizeMax = 1000;
// A page is then always below the 4 MiB that gRPC clients accept by default.
constexpr size_t kFixedBytes = 256;
static_assert(kPageSizeMax * (2 * kIdentifierBytesMax + 2 * kSourceTextBytesMax + kFixedBytes) <
              3 << 20);

// Place of a source in the listing.
using Place = std::tuple<std::string_view, SourceKind, std::string_view>;

Place PlaceOf(const SourceStatus& status) {
  return {status.source, status.kind, status.producer_id};
}

void AddText(std::string_view text, TokenWriter& writer) {
  writer.AddUint64(text.size());
  writer.AddBytes(text);
}

std::string EncodeToken(const SourceStatus& last) {
  TokenWriter writer;
  AddText(last.source, writer);
  writer.AddUint8(static_cast<uint8_t>(last.kind));
  AddText(last.producer_id, writer);
  return writer.Seal(TokenKind::kSourcePage);
}

// A status of which the place alone is set.
absl::StatusOr<SourceStatus> DecodeToken(std::string_view text) {
  auto reader = TokenReader::Open(TokenKind::kSourcePage, text);
  SourceStatus last;
  if (reader.has_value()) {
    last.source = reader->ReadBytes(reader->ReadUint64());
    last.kind = static_cast<SourceKind>(reader->ReadUint8());
    last.producer_id = reader->ReadBytes(reader->ReadUint64());
  }
  if (!reader.has_value() || !reader->AtEnd()) {
    return InvalidField("INVALID_PAGE_TOKEN", "page_token",
                        "this is no token of a listing of sources: give next_page_token back "
                        "unchanged");
  }
  return last;
}

}  // namespace

absl::StatusOr<v1::ListSourcesResponse> ListSources(const RowStore& store,
                                                    const v1::ListSourcesRequest& request) {
  ASSIGN_OR_RETURN(const size_t page_size,
                   DecodePageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  std::vector<SharedSourceStatus> sources = store.Sources();
  std::sort(sources.begin(), sources.end(),
            [](const auto& a, const auto& b) { return PlaceOf(*a) < PlaceOf(*b); });
  auto next = sources.begin();
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(const SourceStatus last, DecodeToken(request.page_token()));
    next = std::partition_point(
        next, sources.end(), [&](const auto& status) { return PlaceOf(*status) <= PlaceOf(last); });
  }
  v1::ListSourcesResponse response;
  for (size_t count = 0; next != sources.end() && count < page_size; ++next, ++count) {
    EncodeSourceStatus(**next, response.add_sources());
  }
  if (next != sources.end()) {
    response.set_next_page_token(EncodeToken(**std::prev(next)));
  }
  return response;
}

}  // namespace alertjoin

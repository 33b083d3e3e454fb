#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace alertjoin {

// Decodes the percent escapes of a name or value in the query of a URL, where + is a space. Nothing
// when an escape is broken.
std::optional<std::string> DecodeUrlQueryPart(std::string_view text);

// The parameters of the query of a URL (what follows its "?"), as HTML forms write them: parts
// between "&", each a name up to the first "=" and its value, which may hold more of them. A
// parameter without "=" has the value "". A part with a broken escape stands as it is written.
std::multimap<std::string, std::string> ParseUrlQuery(std::string_view query);

}  // namespace alertjoin

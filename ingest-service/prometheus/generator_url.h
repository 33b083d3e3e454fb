#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace alertjoin {

// Longest URL that is looked at.
constexpr size_t kUrlBytesMax = 256 << 10;

// Where a web address leads, normalised so that equal places compare equal.
struct WebAddress {
  std::string origin;  // scheme://host:port, lower case, with the scheme's default port filled in.
  std::string path;    // Begins with a slash and does not end in one, except for "/" alone.

  friend bool operator==(const WebAddress&, const WebAddress&) = default;
};

// The place of an http or https URL. Nothing when it is malformed or of another scheme.
std::optional<WebAddress> AddressOf(std::string_view url);

// Its origin alone.
std::optional<std::string> OriginOf(std::string_view url);

// The rule's expression that Prometheus puts into an alert's generatorURL, the parameter `g0.expr`.
// Nothing when there is none or the URL is malformed. The URL is data: it is never fetched.
// Source: prometheus/common, util/strutil TableLinkForExpression.
std::optional<std::string> ExpressionOfGeneratorUrl(std::string_view url);

// The text for a query string or a form: everything but A-Z a-z 0-9 - . _ ~ percent-encoded.
std::string PercentEncode(std::string_view text);

}  // namespace alertjoin

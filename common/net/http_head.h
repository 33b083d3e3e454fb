#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace alertjoin {

constexpr size_t kHttpHeadBytesMax = 32 << 10;
constexpr size_t kHttpHeaderLinesMax = 100;
constexpr size_t kHttpLineBytesMax = 8000;  // Less than cpp-httplib's own limits.

// An answer that a guard gives in place of a handler: a status and one line that says why.
struct HttpRefusal {
  int status = 0;
  std::string message;
};

// What stands before the body of a request, as sent.
struct HttpHead {
  std::string method;
  std::string target;
  // By name in lower case; the values of repeated ones joined by ", ".
  std::map<std::string, std::string> headers;
  std::optional<uint64_t> content_length;

  bool Has(const std::string& name) const { return headers.contains(name); }
  // The value, or "".
  const std::string& Get(const std::string& name) const;
};

// Parses a request line and headers, up to and with the empty line, strictly as RFC 9112 has it:
// lines end with CRLF, no folded lines, no space before a colon, Content-Length a plain number and
// given once. What cpp-httplib would read in another way than a proxy before it is refused with
// 400; an unknown method with 501, too many or too long lines with 431 (the first line: 414),
// another version than 1.0 and 1.1 with 505. Any bytes are safe to give.
std::variant<HttpHead, HttpRefusal> ParseHttpHead(std::string_view head);

// The guards on a request's body, which apply before it is read. `takes_body`: POST and PUT.
std::optional<HttpRefusal> CheckHttpBody(const HttpHead& head, bool takes_body,
                                         size_t body_bytes_max);

// The media type of a Content-Type value in lower case, without parameters.
std::string MediaTypeOf(std::string_view content_type);

}  // namespace alertjoin

#include "common/net/http_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// What cpp-httplib knows. Which of them a path takes is decided later.
constexpr std::array<std::string_view, 9> kMethods = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};

bool IsTokenByte(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != kOthers.npos;
}

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Takes the next line, without its CRLF, off `rest`; nothing when a lone CR or LF comes first.
std::optional<std::string_view> TakeLine(std::string_view& rest) {
  const size_t end = rest.find_first_of("\r\n");
  if (end == rest.npos || rest.substr(end, 2) != "\r\n") return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

std::optional<HttpRefusal> ParseRequestLine(std::string_view line, HttpHead& head) {
  if (line.size() > kHttpLineBytesMax) {
    return HttpRefusal{414, fmt::format("address longer than {} bytes", kHttpLineBytesMax)};
  }
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return HttpRefusal{400, "malformed request line"};
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  const bool visible = std::all_of(head.target.begin(), head.target.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
  if (head.target.empty() || !visible) return HttpRefusal{400, "malformed request line"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return HttpRefusal{505, "this server speaks HTTP/1.1"};
  }
  if (std::find(kMethods.begin(), kMethods.end(), head.method) == kMethods.end()) {
    return HttpRefusal{501, fmt::format("unknown method \"{}\"", Excerpt(head.method))};
  }
  if (head.target.front() != '/') {
    return HttpRefusal{400, "the address must begin with /"};
  }
  return std::nullopt;
}

std::optional<HttpRefusal> TakeContentLength(std::string_view value, HttpHead& head) {
  if (head.Has("content-length")) {
    return HttpRefusal{400, "Content-Length is given more than once"};
  }
  uint64_t length = 0;
  const char* const end = value.data() + value.size();
  const auto [parsed_to, error] = std::from_chars(value.data(), end, length);
  if (error != std::errc() || parsed_to != end) {
    return HttpRefusal{400, fmt::format("Content-Length \"{}\" is no number", Excerpt(value))};
  }
  head.content_length = length;
  return std::nullopt;
}

std::optional<HttpRefusal> ParseHeader(std::string_view line, HttpHead& head) {
  if (line.size() > kHttpLineBytesMax) {
    return HttpRefusal{431, fmt::format("a header longer than {} bytes", kHttpLineBytesMax)};
  }
  const size_t colon = line.find(':');
  const std::string_view raw_name = line.substr(0, colon);
  if (colon == line.npos || colon == 0 ||
      !std::all_of(raw_name.begin(), raw_name.end(), IsTokenByte) || line.find('\0') != line.npos) {
    // Anything behind the name may be a secret, and who sent it may log what it is answered.
    const auto name_end = std::find_if_not(raw_name.begin(), raw_name.end(), IsTokenByte);
    const std::string_view name(raw_name.begin(), colon == line.npos ? raw_name.begin() : name_end);
    return HttpRefusal{
        400, fmt::format("malformed header \"{}\": on one line a name, a colon at once and the "
                         "value are expected",
                         Excerpt(name))};
  }
  const std::string name = ToLower(raw_name);
  const std::string_view value = Trim(line.substr(colon + 1));
  if (name == "content-length") {
    if (auto refusal = TakeContentLength(value, head)) return refusal;
  }
  const auto [entry, is_new] = head.headers.emplace(name, value);
  if (!is_new) entry->second.append(", ").append(value);
  return std::nullopt;
}

}  // namespace

const std::string& HttpHead::Get(const std::string& name) const {
  static const std::string empty;
  const auto found = headers.find(name);
  return found == headers.end() ? empty : found->second;
}

std::variant<HttpHead, HttpRefusal> ParseHttpHead(std::string_view text) {
  HttpHead head;
  const auto request_line = TakeLine(text);
  if (!request_line.has_value()) return HttpRefusal{400, "malformed request line"};
  if (auto refusal = ParseRequestLine(*request_line, head)) return *refusal;
  for (size_t lines = 0;; ++lines) {
    const auto line = TakeLine(text);
    if (!line.has_value()) return HttpRefusal{400, "header lines must end with CRLF"};
    if (line->empty()) return head;
    if (lines >= kHttpHeaderLinesMax) {
      return HttpRefusal{431, fmt::format("more than {} headers", kHttpHeaderLinesMax)};
    }
    if (auto refusal = ParseHeader(*line, head)) return *refusal;
  }
}

std::optional<HttpRefusal> CheckHttpBody(const HttpHead& head, bool takes_body,
                                         size_t body_bytes_max) {
  if (head.Has("transfer-encoding")) {
    return HttpRefusal{411, "Transfer-Encoding is not taken: send the body with Content-Length"};
  }
  if (!takes_body) {
    if (head.content_length.value_or(0) == 0) return std::nullopt;
    return HttpRefusal{400, fmt::format("a {} request has no body", head.method)};
  }
  if (head.Has("content-encoding")) {
    return HttpRefusal{415, "Content-Encoding is not taken: send the body uncompressed"};
  }
  if (!head.content_length.has_value()) return HttpRefusal{411, "Content-Length is missing"};
  if (*head.content_length > body_bytes_max) {
    return HttpRefusal{413, fmt::format("the body has {} bytes, the limit is {}",
                                        *head.content_length, body_bytes_max)};
  }
  // cpp-httplib takes both kinds of form apart, within limits of its own, and no handler wants one.
  const std::string type = MediaTypeOf(head.Get("content-type"));
  if (type == "application/x-www-form-urlencoded" || type == "multipart/form-data") {
    return HttpRefusal{415,
                       fmt::format("Content-Type {} is not taken: send the body as it is, with "
                                   "Content-Type: application/json",
                                   type)};
  }
  return std::nullopt;
}

std::string MediaTypeOf(std::string_view content_type) {
  return ToLower(Trim(content_type.substr(0, content_type.find(';'))));
}

}  // namespace alertjoin

#pragma once

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace alertjoin {

// A URL in its parts, as libcurl reads it (curl_url(3)): what the project reads and what it then
// calls cannot differ. Flags are libcurl's CURLU_*. For one thread at a time.
class ParsedUrl {
 public:
  // Nothing when it is malformed, holds a NUL byte, or memory is out.
  static std::optional<ParsedUrl> Parse(std::string_view text, unsigned flags = 0);

  // Nothing when it has no such part.
  std::optional<std::string> Part(CURLUPart part, unsigned flags = 0) const;
  // In lower case; empty without one.
  std::string Scheme() const;

  // False, with nothing changed, when `text` cannot be that part. As CURLUPART_URL a relative
  // reference is resolved against what is there.
  bool Set(CURLUPart part, const std::string& text);

 private:
  struct Deleter {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
  };
  using Handle = std::unique_ptr<CURLU, Deleter>;

  explicit ParsedUrl(Handle handle) : handle_(std::move(handle)) {}

  Handle handle_;  // Never null.
};

}  // namespace alertjoin

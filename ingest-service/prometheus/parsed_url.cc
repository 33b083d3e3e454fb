#include "ingest-service/prometheus/parsed_url.h"

#include <absl/strings/ascii.h>

#include <utility>

namespace alertjoin {

std::optional<ParsedUrl> ParsedUrl::Parse(std::string_view text, unsigned flags) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  Handle handle(curl_url());
  if (handle == nullptr) return std::nullopt;
  if (curl_url_set(handle.get(), CURLUPART_URL, std::string(text).c_str(), flags) != CURLUE_OK) {
    return std::nullopt;
  }
  return ParsedUrl(std::move(handle));
}

std::optional<std::string> ParsedUrl::Part(CURLUPart part, unsigned flags) const {
  char* text = nullptr;
  if (curl_url_get(handle_.get(), part, &text, flags) != CURLUE_OK) return std::nullopt;
  std::string result(text);
  curl_free(text);
  return result;
}

std::string ParsedUrl::Scheme() const {
  return absl::AsciiStrToLower(Part(CURLUPART_SCHEME).value_or(""));
}

bool ParsedUrl::Set(CURLUPart part, const std::string& text) {
  return curl_url_set(handle_.get(), part, text.c_str(), 0) == CURLUE_OK;
}

}  // namespace alertjoin

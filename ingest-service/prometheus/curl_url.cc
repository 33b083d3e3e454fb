#include "ingest-service/prometheus/curl_url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

namespace alertjoin {
namespace {

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, UrlDeleter>;

bool SetPart(const UrlHandle& url, CURLUPart part, const std::string& text) {
  return curl_url_set(url.get(), part, text.c_str(), 0) == CURLUE_OK;
}

std::optional<std::string> Part(const UrlHandle& url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK) return std::nullopt;
  std::string result(text);
  curl_free(text);
  return result;
}

}  // namespace

std::string ResolveUrl(const std::string& url, const std::string& location) {
  const UrlHandle handle(curl_url());
  if (handle == nullptr || !SetPart(handle, CURLUPART_URL, url) ||
      !SetPart(handle, CURLUPART_URL, location)) {
    return "";
  }
  return Part(handle, CURLUPART_URL).value_or("");
}

std::optional<RenamedHost> RenameHost(const std::string& url, const std::string& server_name) {
  const UrlHandle handle(curl_url());
  if (handle == nullptr || !SetPart(handle, CURLUPART_URL, url)) return std::nullopt;
  if (Part(handle, CURLUPART_SCHEME) != "https") return std::nullopt;
  const auto host = Part(handle, CURLUPART_HOST);
  const auto port = Part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const bool default_port = !Part(handle, CURLUPART_PORT).has_value();
  if (!host.has_value() || !port.has_value()) return std::nullopt;
  if (!SetPart(handle, CURLUPART_HOST, server_name)) return std::nullopt;
  auto renamed = Part(handle, CURLUPART_URL);
  if (!renamed.has_value()) return std::nullopt;
  return RenamedHost{*std::move(renamed), fmt::format("{0}:{1}:{2}:{1}", server_name, *port, *host),
                     default_port ? *host : fmt::format("{}:{}", *host, *port)};
}

}  // namespace alertjoin

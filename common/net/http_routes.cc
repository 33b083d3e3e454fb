#include "common/net/http_routes.h"

#include <fmt/format.h>

#include <set>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// What the groups matched, when `expression` matches the whole path.
bool Matches(const RE2& expression, const std::string& path, std::vector<std::string>& parts) {
  const re2::StringPiece text(path);
  std::vector<re2::StringPiece> groups(static_cast<size_t>(expression.NumberOfCapturingGroups()) +
                                       1);
  if (!expression.Match(text, 0, text.size(), RE2::ANCHOR_BOTH, groups.data(),
                        static_cast<int>(groups.size()))) {
    return false;
  }
  parts.clear();
  for (size_t i = 1; i < groups.size(); ++i) parts.emplace_back(groups[i].data(), groups[i].size());
  return true;
}

}  // namespace

void HttpRoutes::Add(const std::string& method, const std::string& pattern,
                     HttpServer::Handler handler, bool takes_body) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);  // A path is bytes.
  options.set_log_errors(false);
  auto expression = std::make_unique<RE2>(pattern, options);
  CHECK(expression->ok());
  routes_.push_back({method, pattern, std::move(expression), std::move(handler), takes_body});
}

std::variant<HttpRoutes::Match, HttpRoutes::NotFound> HttpRoutes::Find(
    const std::string& method, const std::string& path) const {
  NotFound not_found;
  if (path.size() > kHttpPathBytesMax) {
    not_found.refusal.status = 414;
    not_found.refusal.message = fmt::format("path longer than {} bytes", kHttpPathBytesMax);
    return not_found;
  }
  const std::string& wanted = method == "HEAD" ? "GET" : method;
  std::set<std::string> methods;
  std::vector<std::string> parts;
  for (const Route& route : routes_) {
    if (!Matches(*route.expression, path, parts)) continue;
    if (route.method == wanted) {
      return Match{&route.handler, &route.pattern, std::move(parts), route.takes_body};
    }
    methods.insert(route.method);
    if (route.method == "GET") methods.insert("HEAD");
  }
  const std::string shown = Excerpt(path);
  if (methods.empty()) {
    not_found.refusal.status = 404;
    not_found.refusal.message = fmt::format("no such path: {}", shown);
  } else {
    not_found.allow = fmt::format("{}", fmt::join(methods, ", "));
    not_found.refusal.status = 405;
    not_found.refusal.message =
        fmt::format("{} does not take {}: use {}", shown, method, not_found.allow);
  }
  return not_found;
}

}  // namespace alertjoin

#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/net/http_head.h"
#include "common/net/http_server.h"

namespace alertjoin {

constexpr size_t kHttpPathBytesMax = 2048;

// Which handler serves which method and path. Built first, then read by any number of threads. Its
// expressions are RE2's, whose time is linear in the path's length whatever the path.
class HttpRoutes {
 public:
  struct Match {
    const HttpServer::Handler* handler;
    const std::string* pattern;
    std::vector<std::string> path_parts;
    bool takes_body;
  };
  struct NotFound {
    HttpRefusal refusal;
    std::string allow;  // With 405: the methods that the path takes.
  };

  // `takes_body` is of POST and PUT alone. REQUIRES: a valid expression.
  void Add(const std::string& method, const std::string& pattern, HttpServer::Handler handler,
           bool takes_body = true);

  // The first route for the method that matches the whole path; HEAD is served as GET. Otherwise
  // 414, 405 or 404.
  std::variant<Match, NotFound> Find(const std::string& method, const std::string& path) const;

 private:
  struct Route {
    std::string method;
    std::string pattern;
    std::unique_ptr<RE2> expression;
    HttpServer::Handler handler;
    bool takes_body;
  };
  std::vector<Route> routes_;
};

}  // namespace alertjoin

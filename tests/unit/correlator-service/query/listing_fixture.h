#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "correlator-service/query/fill_page.h"
#include "correlator-service/rows/memory_row_store.h"
#include "tests/support/joined_rows.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/correlator-service/query/expect_refusal.h"

namespace alertjoin {

// A call that lists something of a row store page by page.
template <typename Request, typename Response, typename Limits = ListLimits>
class ListingTest : public testing::Test {
 protected:
  // The call.
  virtual absl::StatusOr<Response> Ask(const Request& request, const Limits& limits) = 0;
  // What the page lists, each as a text.
  virtual std::vector<std::string> Listed(const Response& page) = 0;

  Response Page(const Request& request, const Limits& limits = {}) {
    auto page = Ask(request, limits);
    EXPECT_THAT(page, IsOk());
    return page.ok() ? *std::move(page) : Response();
  }
  // All pages one after the other.
  std::vector<std::string> ListAll(Request request, const Limits& limits = {}) {
    std::vector<std::string> all;
    for (int pages = 0; pages < 1000; ++pages) {
      const Response page = Page(request, limits);
      for (std::string& text : Listed(page)) all.push_back(std::move(text));
      if (page.next_page_token().empty()) return all;
      request.set_page_token(page.next_page_token());
    }
    ADD_FAILURE() << "no end";
    return all;
  }
  void ExpectRefused(const Request& request, const std::string& reason, const std::string& field) {
    ExpectRefusal(Ask(request, {}), reason, field);
  }
  // As rows and alerts are listed.
  static std::vector<std::string> Ids(std::initializer_list<int> ids) {
    std::vector<std::string> texts;
    for (const int id : ids) texts.push_back(ToHex(IdOf(id)));
    return texts;
  }

  prometheus::Registry registry_;
  MemoryRowStore store_{registry_};
};

}  // namespace alertjoin

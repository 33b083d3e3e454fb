#include "ingest-service/prometheus/generator_url_memo.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace alertjoin {
namespace {

std::string UrlOf(size_t number) {
  return "http://p" + std::to_string(number % 7) + "/graph?g0.expr=a+%3E+" + std::to_string(number);
}

void ExpectParts(GeneratorUrlMemo& memo, const std::string& url) {
  const auto parts = memo.Parse(url);
  EXPECT_EQ(parts->address, AddressOf(url)) << url;
  EXPECT_EQ(parts->expression, ExpressionOfGeneratorUrl(url)) << url;
}

TEST(GeneratorUrlMemo, SaysOfEachUrlWhatIsItsOwn) {
  GeneratorUrlMemo memo;
  for (int repeated = 0; repeated < 2; ++repeated) {
    for (const char* url : {"", "no url", "http://p/graph?g0.expr=a", "http://p/graph?g0.expr=b",
                            "http://q/graph?g0.expr=a", "http://p/graph", "ftp://p/?g0.expr=a",
                            "http://p/graph?g0.expr=%zz"}) {
      ExpectParts(memo, url);
    }
  }
  EXPECT_EQ(memo.size(), 8u);
}

TEST(GeneratorUrlMemo, IsBounded) {
  GeneratorUrlMemo memo;
  for (size_t i = 0; i < 3 * GeneratorUrlMemo::kUrlsMax; ++i) {
    ExpectParts(memo, UrlOf(i));
    ASSERT_LE(memo.size(), GeneratorUrlMemo::kUrlsMax);
  }
  ExpectParts(memo, UrlOf(0));
  const size_t before = memo.size();
  ExpectParts(memo, UrlOf(0) + std::string(GeneratorUrlMemo::kUrlBytesRemembered, 'x'));
  EXPECT_EQ(memo.size(), before);
}

TEST(GeneratorUrlMemo, ThreadsShareIt) {
  GeneratorUrlMemo memo;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&memo] {
      for (size_t i = 0; i < 2 * GeneratorUrlMemo::kUrlsMax; ++i) ExpectParts(memo, UrlOf(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace alertjoin

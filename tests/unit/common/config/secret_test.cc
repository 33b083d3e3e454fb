#include "common/config/secret.h"

#include <gtest/gtest.h>

#include <sstream>

namespace alertjoin {
namespace {

std::string Shown(const Secret& secret) {
  std::ostringstream out;
  out << secret;
  return out.str();
}

TEST(Secret, PrintsNothingOfItself) {
  EXPECT_EQ(Shown(Secret("canary")), "<secret>");
  EXPECT_EQ(Shown(Secret()), "");
  EXPECT_EQ(::testing::PrintToString(Secret("canary")), "<secret>");
}

TEST(Secret, IsAValue) {
  Secret a("short");
  Secret b(std::string(100, 'x'));
  const Secret copy = a;
  a = b;
  EXPECT_EQ(a, b);
  EXPECT_EQ(copy.Reveal(), "short");
  Secret moved(std::move(a));
  EXPECT_EQ(moved, b);
  EXPECT_TRUE(a.empty());  // NOLINT: it says so.
  b = std::move(moved);
  EXPECT_EQ(b.Reveal(), std::string(100, 'x'));
  EXPECT_TRUE(moved.empty());  // NOLINT
  Secret& self = b;
  b = self;
  EXPECT_EQ(b.Reveal(), std::string(100, 'x'));
}

}  // namespace
}  // namespace alertjoin

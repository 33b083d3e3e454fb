#include "common/text/trace_parent.h"

#include <gtest/gtest.h>

namespace alertjoin {
namespace {

TEST(TraceParent, TraceIdIsItsSecondPart) {
  EXPECT_EQ(TraceIdOf("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            "0af7651916cd43dd8448eb211c80319c");
}

TEST(TraceParent, AnotherFormHasNone) {
  for (const char* text : {"", "x", "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
                           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\n",
                           "00 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}) {
    EXPECT_EQ(TraceIdOf(text), "") << text;
  }
}

}  // namespace
}  // namespace alertjoin

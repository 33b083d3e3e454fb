#include "common/sync/thread.h"

#include <gtest/gtest.h>

#include <string>

namespace alertjoin {
namespace {

std::string NameOfThisThread() {
  char name[16] = "";
  pthread_getname_np(pthread_self(), name, sizeof(name));
  return name;
}

TEST(StartThread, ThreadBearsItsNameAndOthersKeepTheirs) {
  const std::string before = NameOfThisThread();
  std::string name;
  StartThread("fifteen-letters", [&name] { name = NameOfThisThread(); }).join();
  EXPECT_EQ(name, "fifteen-letters");
  EXPECT_EQ(NameOfThisThread(), before);
}

TEST(StartThreadDeathTest, NameThatTheSystemWouldRefuseIsAFaultOfOurs) {
  EXPECT_DEATH(StartThread("sixteen-letters-", [] {}), "");
}

}  // namespace
}  // namespace alertjoin

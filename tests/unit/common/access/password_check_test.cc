#include "common/access/password_check.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/manual_clock.h"

namespace alertjoin {
namespace {

using Outcome = PasswordCheck::Outcome;

// Of "correct horse", made by htpasswd's two forms of the same algorithm.
constexpr char kHash[] = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";
constexpr char kApacheHash[] = "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";

TEST(PasswordCheck, KnowsWhatIsAHash) {
  EXPECT_TRUE(IsBcryptHash(kHash));
  EXPECT_TRUE(IsBcryptHash(kApacheHash));
  const std::string hash = kHash;
  for (const std::string& other :
       {std::string(), std::string("correct horse"), hash.substr(1), hash.substr(0, 59), hash + "a",
        "$2x" + hash.substr(3), "$1$" + hash.substr(3), "$2b$03" + hash.substr(6),
        "$2b$15" + hash.substr(6), "$2b$4x" + hash.substr(6), hash.substr(0, 59) + "!"}) {
    EXPECT_FALSE(IsBcryptHash(other)) << other;
  }
}

class PasswordCheckTest : public ::testing::Test {
 protected:
  Outcome Check(const std::string& password, const std::string& hash = kHash,
                const std::string& user = "ann") {
    return check_.Check(user, hash, Secret(password));
  }
  ManualClock clock_{Timestamp::FromMillis(0)};
  PasswordCheck check_{clock_};
};

TEST_F(PasswordCheckTest, OnlyTheRightOneIsRight) {
  EXPECT_EQ(Check("correct horse"), Outcome::kRight);
  EXPECT_EQ(Check("correct horse", kApacheHash), Outcome::kRight);
  for (const std::string& other : {std::string(), std::string("correct horsf"),
                                   std::string("correct horse\0x", 15), std::string(600, 'x')}) {
    EXPECT_EQ(Check(other), Outcome::kWrong) << other;
  }
}

TEST_F(PasswordCheckTest, WhatWasComparedIsRememberedForAWhile) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Check("correct horse"), Outcome::kRight);
    EXPECT_EQ(Check("wrong"), Outcome::kWrong);
  }
  EXPECT_EQ(check_.computed(), 2u);
  clock_.Advance(PasswordCheck::kRememberedFor);
  EXPECT_EQ(Check("correct horse"), Outcome::kRight);
  EXPECT_EQ(Check("wrong"), Outcome::kWrong);
  EXPECT_EQ(check_.computed(), 4u);
}

TEST_F(PasswordCheckTest, WhatIsRememberedIsOfThatUserAndThatHash) {
  EXPECT_EQ(Check("correct horse"), Outcome::kRight);
  const std::string changed =
      "$2b$10$abcdefghijklmnopqrstuu4T826PRnz0Hu6YlprUuxkZxOOj5Fw5S";  // Of "x".
  EXPECT_EQ(Check("correct horse", changed), Outcome::kWrong);
  EXPECT_EQ(Check("correct horse", kHash, "bob"), Outcome::kRight);
  EXPECT_EQ(check_.computed(), 3u);
}

TEST_F(PasswordCheckTest, AFloodOfWrongOnesDoesNotPushOutTheRightOne) {
  EXPECT_EQ(Check("correct horse"), Outcome::kRight);
  for (size_t i = 0; i < 2 * PasswordCheck::kRememberedMax; ++i) Check(std::to_string(i));
  const uint64_t computed = check_.computed();
  EXPECT_EQ(Check("correct horse"), Outcome::kRight);
  EXPECT_EQ(check_.computed(), computed);
}

// Not one of them is let through unchecked, and who comes again gets in.
TEST_F(PasswordCheckTest, ManyAtOnceAreBoundedAndStillRight) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong_let_in = 0;
  std::atomic<int> right_kept_out = 0;
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&, i] {
      const auto outcome = Check(i % 2 == 0 ? "correct horse" : "wrong" + std::to_string(i));
      if (i % 2 == 1 && outcome == Outcome::kRight) ++wrong_let_in;
      if (i % 2 == 0 && outcome == Outcome::kWrong) ++right_kept_out;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong_let_in, 0);
  EXPECT_EQ(right_kept_out, 0);
  EXPECT_EQ(Check("correct horse"), Outcome::kRight);
}

}  // namespace
}  // namespace alertjoin

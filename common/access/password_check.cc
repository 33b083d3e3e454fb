#include "common/access/password_check.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstring>
#include <memory>
#include <string_view>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr size_t kHashBytes = 60;
constexpr size_t kPrefixBytes = 7;  // "$2b$12$"
constexpr int kCostLeast = 4;
constexpr int kCostMost = 14;
constexpr std::string_view kAlphabet =
    "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

bool Compare(const std::string& hash, const Secret& password) {
  // crypt takes what comes before a zero byte for the whole.
  if (password.Reveal().find('\0') != std::string::npos) return false;
  const auto data = std::make_unique<crypt_data>();
  const char* const computed = crypt_r(password.Reveal().c_str(), hash.c_str(), data.get());
  const bool same = computed != nullptr && std::strlen(computed) == hash.size() &&
                    CRYPTO_memcmp(computed, hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(data.get(), sizeof(crypt_data));
  return same;
}

}  // namespace

bool IsBcryptHash(const std::string& hash) {
  if (hash.size() != kHashBytes || !hash.starts_with("$2") || hash[3] != '$' || hash[6] != '$' ||
      std::string_view("aby").find(hash[2]) == std::string_view::npos) {
    return false;
  }
  if (hash[4] < '0' || hash[4] > '9' || hash[5] < '0' || hash[5] > '9') return false;
  const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
  return cost >= kCostLeast && cost <= kCostMost &&
         hash.find_first_not_of(kAlphabet, kPrefixBytes) == std::string::npos;
}

PasswordCheck::PasswordCheck(const Clock& clock) : clock_(clock) {
  CHECK(RAND_bytes(key_.data(), static_cast<int>(key_.size())) == 1);
}

PasswordCheck::Digest PasswordCheck::DigestOf(const std::string& user, const std::string& hash,
                                              const Secret& password) const {
  Secret text(std::to_string(user.size()) + ":" + user + hash + password.Reveal());
  Digest digest{};
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
             reinterpret_cast<const unsigned char*>(text.Reveal().data()), text.Reveal().size(),
             digest.data(), &size) != nullptr);
  return digest;
}

void PasswordCheck::Remember(Remembered& where, const Digest& digest) {
  const Clock::Steady now = clock_.SteadyNow();
  if (where.size() >= kRememberedMax) {
    std::erase_if(where, [now](const auto& entry) { return entry.second <= now; });
  }
  if (where.size() >= kRememberedMax) where.erase(where.begin());
  where[digest] = now + kRememberedFor;
}

PasswordCheck::Outcome PasswordCheck::Check(const std::string& user, const std::string& hash,
                                            const Secret& password, bool may_wait) {
  const Digest digest = DigestOf(user, hash, password);
  {
    MutexLock lock(mutex_);
    const auto is_in = [&](const Remembered& where) {
      const auto found = where.find(digest);
      return found != where.end() && found->second > clock_.SteadyNow();
    };
    // Again after each wait: another may have compared the same.
    while (true) {
      if (is_in(right_)) return Outcome::kRight;
      if (is_in(wrong_)) return Outcome::kWrong;
      if (!may_wait) return Outcome::kBusy;
      if (comparing_ < kAtOnceMax) break;
      if (waiting_ >= kWaitingMax) return Outcome::kBusy;
      ++waiting_;
      freed_.Wait(mutex_);
      --waiting_;
    }
    ++comparing_;
    ++computed_;
  }
  const bool right = Compare(hash, password);
  MutexLock lock(mutex_);
  --comparing_;
  Remember(right ? right_ : wrong_, digest);
  freed_.NotifyAll();
  return right ? Outcome::kRight : Outcome::kWrong;
}

uint64_t PasswordCheck::computed() const {
  MutexLock lock(mutex_);
  return computed_;
}

}  // namespace alertjoin

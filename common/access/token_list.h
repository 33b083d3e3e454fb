#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace alertjoin {

constexpr size_t kTokensMax = 10'000;

// Whether a name can stand for an identity: 1 to 128 letters, digits, '.', '_', '-', '@', ':', '/'.
bool IsIdentityName(std::string_view name);

// Bearer tokens by their SHA-256, each with the name of the identity that it shows. A token is a
// long random text, so its plain digest gives nothing away. A value type.
class TokenList {
 public:
  // One token a line: the name of its identity and 64 hex digits, with space between; an identity
  // may have several. Empty lines and lines that begin with # are passed over. INVALID_ARGUMENT
  // names the line (and shows nothing of it), for doubled digests and too many tokens, too.
  static absl::StatusOr<TokenList> Parse(std::string_view text);

  // The name of the identity whose token it is. How long it takes may depend on the token's digest,
  // of which nothing follows for the token.
  std::optional<std::string> IdentityOf(std::string_view token) const {
    return IdentityOfDigest(DigestOf(token));
  }
  // The same by what DigestOf gives, which can be kept instead of the token.
  std::optional<std::string> IdentityOfDigest(std::string_view digest) const;
  static std::string DigestOf(std::string_view token);
  bool empty() const { return names_.empty(); }
  const auto& names() const { return names_; }

 private:
  using Digest = std::array<unsigned char, 32>;
  std::map<Digest, std::string> names_;
};

}  // namespace alertjoin

#include "common/access/token_list.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "common/status/status.h"
#include "common/text/hex.h"

namespace alertjoin {
namespace {

constexpr size_t kNameBytesMax = 128;
constexpr std::string_view kSpaces = " \t\r";

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

}  // namespace

bool IsIdentityName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  std::string_view("._-@:/").find(c) != std::string_view::npos;
         });
}

absl::StatusOr<TokenList> TokenList::Parse(std::string_view text) {
  TokenList list;
  for (size_t line_number = 1; !text.empty(); ++line_number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto fault = [line_number](std::string_view what) {
      return absl::InvalidArgumentError(fmt::format("line {}: {}", line_number, what));
    };
    const size_t space = std::min(line.find_first_of(kSpaces), line.size());
    const std::string_view name = line.substr(0, space);
    const std::string_view hex = Trimmed(line.substr(space));
    Digest digest{};
    bool is_digest = hex.size() == 2 * digest.size();
    for (size_t i = 0; is_digest && i < digest.size(); ++i) {
      const int high = HexDigitValue(hex[2 * i]);
      const int low = HexDigitValue(hex[2 * i + 1]);
      is_digest = high >= 0 && low >= 0;
      digest[i] = static_cast<unsigned char>(high * 16 + low);
    }
    if (!IsIdentityName(name) || !is_digest) {
      return fault(
          "expected the name of an identity and the SHA-256 of its token as 64 hex digits");
    }
    if (list.names_.size() >= kTokensMax) return fault(fmt::format("over {} tokens", kTokensMax));
    if (!list.names_.emplace(digest, name).second) return fault("this token is there already");
  }
  return list;
}

std::string TokenList::DigestOf(std::string_view token) {
  Digest digest{};
  CHECK(EVP_Digest(token.data(), token.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return std::string(digest.begin(), digest.end());
}

std::optional<std::string> TokenList::IdentityOfDigest(std::string_view text) const {
  Digest digest{};
  if (text.size() != digest.size()) return std::nullopt;
  std::copy(text.begin(), text.end(), digest.begin());
  const auto found = names_.find(digest);
  if (found == names_.end()) return std::nullopt;
  return found->second;
}

}  // namespace alertjoin

#include "correlator-service/join/row_id.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr size_t kUsualBytes = 512;

void AddNumber(std::string& text, int64_t number) {
  const auto bits = static_cast<uint64_t>(number);
  for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>((bits >> shift) & 0xff);
}

void AddText(std::string& text, std::string_view part) {
  AddNumber(text, static_cast<int64_t>(part.size()));
  text += part;
}

}  // namespace

RowId MakeRowId(std::string_view source, std::string_view fingerprint, Timestamp episode,
                AlertState state, const Query* query, const LabelSet* series_labels) {
  std::string text;
  text.reserve(kUsualBytes);
  AddText(text, source);
  AddText(text, fingerprint);
  AddNumber(text, episode.millis());
  AddNumber(text, static_cast<int64_t>(state));
  AddNumber(text, query != nullptr);
  if (query != nullptr) {
    AddText(text, query->source);
    AddText(text, query->name);
    AddText(text, query->expression);
    AddNumber(text, series_labels != nullptr);
    if (series_labels != nullptr) {
      for (const auto& [name, value] : *series_labels) {
        AddText(text, name);
        AddText(text, value);
      }
    }
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int digest_size = 0;
  // Kept, since OpenSSL looks an algorithm up by name whenever it starts anew.
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
      EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  CHECK(EVP_DigestInit_ex2(context.get(), sha256, nullptr) == 1 &&
        EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1 &&
        EVP_DigestFinal_ex(context.get(), digest.data(), &digest_size) == 1);
  RowId id;
  std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

}  // namespace alertjoin

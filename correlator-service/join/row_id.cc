#include "correlator-service/join/row_id.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <string>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// What is hashed is put together in one place, kept for its memory.
std::string& EmptyText() {
  thread_local std::string text;
  text.clear();
  return text;
}

// Big-endian.
void AddNumber(std::string& text, int64_t number) {
  std::array<char, sizeof(number)> bytes;
  for (size_t i = bytes.size(); i-- > 0; number >>= 8) bytes[i] = static_cast<char>(number & 0xff);
  text.append(bytes.data(), bytes.size());
}

void AddText(std::string& text, std::string_view part) {
  AddNumber(text, static_cast<int64_t>(part.size()));
  text += part;
}

std::array<uint8_t, 16> Digest(std::string_view text) {
  // Kept, since OpenSSL looks an algorithm up by name whenever it starts anew.
  static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
      EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> whole;
  unsigned int size = 0;
  CHECK(EVP_DigestInit_ex2(context.get(), sha256, nullptr) == 1 &&
        EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1 &&
        EVP_DigestFinal_ex(context.get(), whole.data(), &size) == 1);
  std::array<uint8_t, 16> digest;
  std::copy_n(whole.begin(), digest.size(), digest.begin());
  return digest;
}

}  // namespace

RowSubject MakeRowSubject(const Query& query, const LabelSet* series_labels) {
  std::string& text = EmptyText();
  AddText(text, query.source);
  AddText(text, query.name);
  AddText(text, query.expression);
  AddNumber(text, series_labels != nullptr);
  if (series_labels != nullptr) {
    for (const auto& [name, value] : *series_labels) {
      AddText(text, name);
      AddText(text, value);
    }
  }
  return {Digest(text)};
}

RowId MakeRowId(std::string_view source, std::string_view fingerprint, Timestamp episode,
                AlertState state, const RowSubject& subject) {
  std::string& text = EmptyText();
  AddText(text, source);
  AddText(text, fingerprint);
  AddNumber(text, episode.millis());
  AddNumber(text, static_cast<int64_t>(state));
  text.append(reinterpret_cast<const char*>(subject.digest.data()), subject.digest.size());
  return {Digest(text)};
}

RowId MakeAlertId(std::string_view source, std::string_view fingerprint, Timestamp episode) {
  std::string& text = EmptyText();
  AddText(text, source);
  AddText(text, fingerprint);
  AddNumber(text, episode.millis());
  return {Digest(text)};
}

}  // namespace alertjoin

#include "common/access/certificate_pem.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

namespace alertjoin {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bio Over(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

// Without it OpenSSL asks for a passphrase at the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

Timestamp TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return Timestamp::FromMillis(0);
  return Timestamp::FromMillis(int64_t{timegm(&parts)} * 1000);
}

}  // namespace

std::vector<Certificate> ParseCertificates(const std::string& pem) {
  std::vector<Certificate> certificates;
  const Bio bio = Over(pem);
  while (X509* const certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate, &X509_free);
  }
  ERR_clear_error();
  return certificates;
}

Timestamp StartOf(const X509& certificate) { return TimeOf(X509_get0_notBefore(&certificate)); }
Timestamp ExpiryOf(const X509& certificate) { return TimeOf(X509_get0_notAfter(&certificate)); }

std::vector<std::string> AlternativeNames(const X509& certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> found(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  ERR_clear_error();
  if (found == nullptr) return names;
  for (int i = 0; i < sk_GENERAL_NAME_num(found.get()); ++i) {
    int kind = 0;
    const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(found.get(), i), &kind);
    const bool is_text = kind == GEN_DNS || kind == GEN_EMAIL || kind == GEN_URI;
    if (!is_text && kind != GEN_IPADD) continue;
    const auto* const text = static_cast<const ASN1_STRING*>(value);
    const unsigned char* const bytes = ASN1_STRING_get0_data(text);
    const int size = ASN1_STRING_length(text);
    if (is_text) {
      names.emplace_back(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    } else if (size == sizeof(in_addr) || size == sizeof(in6_addr)) {
      std::array<char, INET6_ADDRSTRLEN> address{};
      const int family = size == sizeof(in_addr) ? AF_INET : AF_INET6;
      if (inet_ntop(family, bytes, address.data(), address.size()) != nullptr) {
        names.emplace_back(address.data());
      }
    }
  }
  return names;
}

PrivateKey ParsePrivateKey(const std::string& pem) {
  const Bio bio = Over(pem);
  PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr),
                 &EVP_PKEY_free);
  ERR_clear_error();
  return key;
}

}  // namespace alertjoin

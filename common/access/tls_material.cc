#include "common/access/tls_material.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>

#include "common/access/certificate_pem.h"
#include "common/config/small_file.h"
#include "common/status/status.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::Status Fault(std::string_view key, const std::string& file, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{} {}: {}", key, file, what));
}

Bio Over(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

// Without it OpenSSL asks for a passphrase at the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

Key ParseKey(const std::string& pem) {
  const Bio bio = Over(pem);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr), &EVP_PKEY_free);
  ERR_clear_error();
  return key;
}

Timestamp TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return Timestamp::FromMillis(0);
  return Timestamp::FromMillis(int64_t{timegm(&parts)} * 1000);
}

absl::Status CheckTime(const TlsServerOptions& options, const X509& certificate, Timestamp now) {
  const Timestamp end = TimeOf(X509_get0_notAfter(&certificate));
  if (end <= now) {
    return Fault("cert_file", options.cert_file,
                 "the certificate has expired at " + FormatRfc3339(end) + ": give a new one");
  }
  const Timestamp start = TimeOf(X509_get0_notBefore(&certificate));
  if (start > now) {
    return Fault("cert_file", options.cert_file,
                 "the certificate is not valid before " + FormatRfc3339(start) +
                     ": is the clock of this machine right?");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const TlsServerMaterial>> LoadTlsMaterial(
    const TlsServerOptions& options, Timestamp now) {
  auto material = std::make_shared<TlsServerMaterial>();
  material->options = options;
  ASSIGN_OR_RETURN(material->chain_pem, ReadSmallFile(options.cert_file));
  ASSIGN_OR_RETURN(std::string key_pem, ReadSmallFile(options.key_file));
  material->key_pem = Secret(std::move(key_pem));
  const auto chain = ParseCertificates(material->chain_pem);
  if (chain.empty()) return Fault("cert_file", options.cert_file, "has no certificate (PEM)");
  RETURN_IF_ERROR(CheckTime(options, *chain.front(), now));
  material->not_after = TimeOf(X509_get0_notAfter(chain.front().get()));
  const Key key = ParseKey(material->key_pem.Reveal());
  if (key == nullptr) {
    return Fault("key_file", options.key_file, "has no private key (PEM, without a passphrase)");
  }
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    ERR_clear_error();
    return Fault("key_file", options.key_file,
                 "is not the key of the certificate in " + options.cert_file);
  }
  if (!options.client_ca_file.empty()) {
    ASSIGN_OR_RETURN(material->client_ca_pem, ReadSmallFile(options.client_ca_file));
    if (ParseCertificates(material->client_ca_pem).empty()) {
      return Fault("client_ca_file", options.client_ca_file, "has no certificate (PEM)");
    }
  }
  return std::shared_ptr<const TlsServerMaterial>(std::move(material));
}

}  // namespace alertjoin

#include "common/access/tls_material.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "common/access/certificate_pem.h"
#include "common/access/tls_context.h"
#include "common/config/small_file.h"
#include "common/status/status.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

absl::Status Fault(std::string_view key, const std::string& file, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{} {}: {}", key, file, what));
}

absl::Status CheckTime(const TlsServerOptions& options, const X509& certificate, Timestamp now) {
  const Timestamp end = ExpiryOf(certificate);
  if (end <= now) {
    return Fault("cert_file", options.cert_file,
                 "the certificate has expired at " + FormatRfc3339(end) + ": give a new one");
  }
  const Timestamp start = StartOf(certificate);
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
  material->not_after = ExpiryOf(*chain.front());
  const PrivateKey key = ParsePrivateKey(material->key_pem.Reveal());
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
  // What it says of a weak key or hash is said here, while the certificate before still holds.
  if (const auto context = MakeTlsContext(*material); !context.ok()) {
    return Fault("cert_file", options.cert_file, MessageOf(context.status()));
  }
  return std::shared_ptr<const TlsServerMaterial>(std::move(material));
}

}  // namespace alertjoin

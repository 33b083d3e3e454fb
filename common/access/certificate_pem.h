#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "common/time/timestamp.h"

namespace alertjoin {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using PrivateKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

// The certificates of a PEM text in their order, up to the first that does not parse.
std::vector<Certificate> ParseCertificates(const std::string& pem);

// From when and until when it holds; the beginning of unix time when that cannot be read.
Timestamp StartOf(const X509& certificate);
Timestamp ExpiryOf(const X509& certificate);

// Its alternative names that are DNS names, e-mail addresses, URIs or IP addresses, as text.
std::vector<std::string> AlternativeNames(const X509& certificate);

// The private key of a PEM text; null when there is none, or it needs a passphrase.
PrivateKey ParsePrivateKey(const std::string& pem);

}  // namespace alertjoin

#pragma once

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace alertjoin {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

// The certificates of a PEM text in their order, up to the first that does not parse.
std::vector<Certificate> ParseCertificates(const std::string& pem);

}  // namespace alertjoin

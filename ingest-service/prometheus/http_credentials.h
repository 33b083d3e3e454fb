#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "ingest-service/prometheus/http_client_options.h"
#include "ingest-service/prometheus/http_transport.h"

namespace alertjoin {

// What one call carries of its client's options, every file read.
struct HttpCredentials {
  std::vector<std::string> headers;  // "Name: value"
  std::shared_ptr<const TlsMaterial> tls;
  std::vector<Secret> secrets;  // In each form in which they are sent, or written in JSON.
};

// The text, or that of its file, trimmed, as a part of a header line has it. FAILED_PRECONDITION
// names `key` and the file when it cannot be read, is empty, or has a line break or control
// character inside.
absl::StatusOr<std::string> ReadSecretLine(const SecretText& secret, std::string_view key);

// Reads the files. FAILED_PRECONDITION names the key and the file that cannot be read, is empty, or
// has a line break where none can be.
absl::StatusOr<HttpCredentials> ReadCredentials(const HttpClientOptions& options);

// The text with every occurrence of a secret replaced by <secret>. Those of fewer than 4 bytes
// stay: they occur everywhere.
std::string WithoutSecrets(std::string text, const std::vector<Secret>& secrets);

}  // namespace alertjoin

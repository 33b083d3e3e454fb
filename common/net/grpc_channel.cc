#include "common/net/grpc_channel.h"

#include <fmt/format.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>

#include "common/config/small_file.h"
#include "common/net/grpc_server.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& file, const char* key) {
  if (file.empty()) return std::string();
  auto text = ReadSmallFile(file);
  if (!text.ok()) return Annotate(text.status(), key);
  return text;
}

absl::StatusOr<std::string> ReadToken(const std::string& file) {
  ASSIGN_OR_RETURN(std::string token, ReadFile(file, "credentials_file"));
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!token.empty() && is_space(token.back())) token.pop_back();
  token.erase(token.begin(), std::find_if_not(token.begin(), token.end(), is_space));
  const bool fits = !token.empty() && std::all_of(token.begin(), token.end(),
                                                  [](char c) { return c > 0x20 && c < 0x7f; });
  if (!fits) {
    return absl::FailedPreconditionError(
        fmt::format("credentials_file {}: is empty, or is no single line of ASCII", file));
  }
  return token;
}

}  // namespace

absl::StatusOr<GrpcClient> ConnectGrpc(const std::string& address,
                                       const GrpcClientOptions& options) {
  GrpcClient client;
  if (!options.tls) {
    client.channel = MakeChannel(address);
    return client;
  }
  if (!options.token_file.empty()) {
    ASSIGN_OR_RETURN(const std::string token, ReadToken(options.token_file));
    client.authorization = "Bearer " + token;
  }
  grpc::SslCredentialsOptions ssl;
  ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadFile(options.ca_file, "ca_file"));
  ASSIGN_OR_RETURN(ssl.pem_cert_chain, ReadFile(options.cert_file, "cert_file"));
  ASSIGN_OR_RETURN(ssl.pem_private_key, ReadFile(options.key_file, "key_file"));
  client.channel = MakeChannel(address, grpc::SslCredentials(ssl), options.server_name);
  return client;
}

}  // namespace alertjoin

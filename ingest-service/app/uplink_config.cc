#include "ingest-service/app/uplink_config.h"

#include <algorithm>
#include <cctype>

namespace alertjoin {

GrpcClientOptions ReadGrpcClient(YamlNode node) {
  GrpcClientOptions options;
  YamlNode tls = node.Child("tls_config");
  options.tls = tls.present();
  options.ca_file = tls.Child("ca_file").FilePath();
  options.cert_file = tls.Child("cert_file").FilePath();
  options.key_file = tls.Child("key_file").FilePath();
  if (options.cert_file.empty() != options.key_file.empty()) {
    tls.Fault("a client certificate needs both, cert_file and key_file");
  }
  YamlNode server_name = tls.Child("server_name");
  options.server_name = server_name.String("");
  const bool is_host = std::ranges::all_of(options.server_name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  });
  if (!is_host) server_name.Fault("expected the name of a host, without a port");
  tls.Finish();
  YamlNode authorization = node.Child("authorization");
  options.token_file = authorization.Child("credentials_file").FilePath();
  if (authorization.present() && options.token_file.empty()) {
    authorization.Fault("authorization needs credentials_file");
  }
  if (authorization.present() && !options.tls) {
    authorization.Fault("authorization needs tls_config: a token must not be sent in the open");
  }
  authorization.Finish();
  return options;
}

}  // namespace alertjoin

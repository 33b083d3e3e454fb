#pragma once

#include <optional>
#include <string>

#include "common/config/yaml_reader.h"
#include "ingest-service/prometheus/http_client_options.h"

namespace alertjoin {

// Reads the keys of Prometheus' HTTP client that stand in the map `node`, beside others:
// basic_auth, authorization, tls_config, http_headers, follow_redirects, proxy_url, no_proxy, and
// our own response_bytes_max. The caller reads the others and calls Finish. Faults: keys that
// exclude each other, values that cannot be sent, keys of Prometheus that are not supported, with
// what to use instead. No fault shows a secret. Relative file names are relative to the
// configuration's folder.
HttpClientOptions ReadHttpClient(YamlNode node);

// Parts of it, for others who have secrets. Nothing when the node is absent.
std::optional<HttpBasicAuth> ReadBasicAuth(YamlNode node);
std::optional<HttpAuthorization> ReadAuthorization(YamlNode node);
// The children `name` and `name`_file of the map, of which one at most may be there. A fault where
// it has line breaks or control characters, when it is for a header.
SecretText ReadSecretText(YamlNode& node, const std::string& name, bool in_header);

// A base URL, required: http or https, with a path prefix if there is one. Faults: anything else; a
// user or password in it (it would be shown in logs), a query, a fragment.
std::string ReadHttpUrl(YamlNode node);

}  // namespace alertjoin

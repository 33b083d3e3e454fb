#pragma once

#include "common/config/yaml_reader.h"
#include "common/net/grpc_channel.h"

namespace alertjoin {

// Reads tls_config and authorization of the correlator from its map `node`, beside other keys. The
// caller reads the others and calls Finish. Faults: half a pair, a token without TLS.
GrpcClientOptions ReadGrpcClient(YamlNode node);

}  // namespace alertjoin

#pragma once

#include "common/config/yaml_reader.h"
#include "ingest-service/alertmanager/sender_auth.h"

namespace alertjoin {

// Reads basic_auth, authorization and hmac of an alert source from its map `node`, beside other
// keys. The caller reads the others and calls Finish. Faults: keys that exclude each other, missing
// secrets, headers that are none. No fault shows a secret.
SenderAuthOptions ReadSenderAuth(YamlNode node);

}  // namespace alertjoin

#pragma once

#include <string>

#include "correlator-service/http/schema.h"

namespace alertjoin {

// The HTTP port as an OpenAPI 3.0 document: the unary calls, the tables, streams and annotations,
// with the comments of the protos.
std::string OpenApiJson(const Schema& schema);

}  // namespace alertjoin

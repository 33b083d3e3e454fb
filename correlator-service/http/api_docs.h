#pragma once

#include <string>

#include "correlator-service/http/schema.h"

namespace alertjoin {

// The page /docs: every call with its comment, its fields and a line to try; the tables with their
// columns; the messages. Its style is at /docs.css; it has no script.
std::string ApiDocsHtml(const Schema& schema);
std::string ApiDocsCss();

}  // namespace alertjoin

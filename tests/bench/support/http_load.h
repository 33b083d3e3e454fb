#pragma once

#include <string>
#include <vector>

namespace alertjoin {

// Sends requests to an HTTP server on 127.0.0.1 over `connections` that are kept alive, each with
// one request under way, and takes answers without a body. One thread serves all connections, so
// that it costs little beside the server. `requests` are sent in their order, each once, by
// whatever connection is free. Ends the program unless every answer is 200.
struct HttpLoadResult {
  double seconds = 0;
  double processor_seconds = 0;        // Of the whole process meanwhile.
  std::vector<double> answer_seconds;  // Of each request, from its first byte sent.
};
HttpLoadResult RunHttpLoad(int port, size_t connections, const std::vector<std::string>& requests);

}  // namespace alertjoin

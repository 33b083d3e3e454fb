#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/sync/mutex.h"

namespace alertjoin {

// Which certificates of clients a listener takes: those that its authorities stand for, and that
// have one of the names that are asked for. TLS asks for the former when a connection begins; this
// asks again later, of connections that are older than the authorities. Times are not looked at.
// Thread-safe.
class ClientCertificates {
 public:
  static constexpr size_t kRememberedMax = 256;

  using Names = std::optional<std::vector<std::string>>;

  // What `authorities_pem` has of certificates counts, and nothing else of it. Of the alternative
  // names of a client's certificate one must be among `allowed_names`, letter by letter, if these
  // are given, as exporter-toolkit has it (client_allowed_sans).
  ClientCertificates(const std::string& authorities_pem, Names allowed_names);
  ~ClientCertificates();

  // Whether they take the first certificate of the chain (PEM), with help of the others. What was
  // taken is remembered, as this takes some 0.1 ms.
  bool Take(const std::string& chain_pem) const EXCLUDES_LOCK(mutex_);

 private:
  bool Verify(const std::string& chain_pem) const;

  struct Store;
  const std::unique_ptr<const Store> store_;
  const Names allowed_names_;

  mutable Mutex mutex_;
  mutable std::set<std::string> taken_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin

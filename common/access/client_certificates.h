#pragma once

#include <memory>
#include <set>
#include <string>

#include "common/sync/mutex.h"

namespace alertjoin {

// Which certificates of clients the authorities of a listener stand for. TLS asks that when a
// connection begins; this asks again later, of connections that are older than the authorities.
// Times are not looked at. Thread-safe.
class ClientCertificates {
 public:
  static constexpr size_t kRememberedMax = 256;

  // What `authorities_pem` has of certificates counts, and nothing else of it.
  explicit ClientCertificates(const std::string& authorities_pem);
  ~ClientCertificates();

  // Whether they take the first certificate of the chain (PEM), with help of the others. What was
  // taken is remembered, as this takes some 0.1 ms.
  bool Take(const std::string& chain_pem) const EXCLUDES_LOCK(mutex_);

 private:
  bool Verify(const std::string& chain_pem) const;

  struct Store;
  const std::unique_ptr<const Store> store_;

  mutable Mutex mutex_;
  mutable std::set<std::string> taken_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin

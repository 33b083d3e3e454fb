#include "common/access/client_certificates.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "common/access/certificate_pem.h"
#include "common/status/status.h"

namespace alertjoin {

struct ClientCertificates::Store {
  std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store{X509_STORE_new(), &X509_STORE_free};
};

ClientCertificates::ClientCertificates(const std::string& authorities_pem, Names allowed_names)
    : store_(std::make_unique<const Store>()), allowed_names_(std::move(allowed_names)) {
  CHECK(store_->store != nullptr);
  for (const Certificate& authority : ParseCertificates(authorities_pem)) {
    X509_STORE_add_cert(store_->store.get(), authority.get());
  }
  // An authority counts that is below another one, too; a certificate that expires ends no stream.
  X509_STORE_set_flags(store_->store.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
  ERR_clear_error();
}

ClientCertificates::~ClientCertificates() = default;

bool ClientCertificates::Take(const std::string& chain_pem) const {
  {
    MutexLock lock(mutex_);
    if (taken_.contains(chain_pem)) return true;
  }
  if (!Verify(chain_pem)) return false;
  MutexLock lock(mutex_);
  if (taken_.size() >= kRememberedMax) taken_.clear();
  taken_.insert(chain_pem);
  return true;
}

bool ClientCertificates::Verify(const std::string& chain_pem) const {
  const auto chain = ParseCertificates(chain_pem);
  if (chain.empty()) return false;
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> others(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> check(X509_STORE_CTX_new(),
                                                                              &X509_STORE_CTX_free);
  CHECK(others != nullptr && check != nullptr);
  for (const Certificate& certificate : chain) sk_X509_push(others.get(), certificate.get());
  const bool taken = X509_STORE_CTX_init(check.get(), store_->store.get(), chain.front().get(),
                                         others.get()) == 1 &&
                     X509_STORE_CTX_set_purpose(check.get(), X509_PURPOSE_SSL_CLIENT) == 1 &&
                     X509_verify_cert(check.get()) == 1;
  ERR_clear_error();
  if (!taken || !allowed_names_.has_value()) return taken;
  return std::ranges::any_of(AlternativeNames(*chain.front()), [this](const std::string& name) {
    return std::ranges::find(*allowed_names_, name) != allowed_names_->end();
  });
}

}  // namespace alertjoin

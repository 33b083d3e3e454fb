#include "common/access/access_state.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "common/config/small_file.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

std::string StampOfFile(const std::string& file) {
  struct stat found {};
  if (file.empty() || ::stat(file.c_str(), &found) != 0) return "-;";
  return fmt::format("{}.{} {} {}.{} {}.{};", found.st_dev, found.st_ino, found.st_size,
                     found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_ctim.tv_sec,
                     found.st_ctim.tv_nsec);
}

}  // namespace

RoleSet AccessState::RolesOf(const std::string& identity) const {
  if (!config.has_identities) return RoleSet::All();
  const auto found = config.identities.find(identity);
  return found == config.identities.end() ? RoleSet() : found->second.roles;
}

const Matchers& AccessState::FilterOf(const std::string& identity) const {
  static const Matchers everything;
  const auto found = config.identities.find(identity);
  return found == config.identities.end() ? everything : found->second.filter;
}

absl::StatusOr<std::shared_ptr<const AccessState>> LoadAccess(const std::string& file,
                                                              ListenerKind kind, Timestamp now) {
  auto state = std::make_shared<AccessState>();
  ASSIGN_OR_RETURN(state->config, ReadAccessConfig(file, kind));
  const AccessConfig& config = state->config;
  if (config.tls.has_value()) {
    auto material = LoadTlsMaterial(*config.tls, now);
    if (!material.ok()) return Annotate(material.status(), file);
    state->tls = *std::move(material);
    if (const std::string& authorities = state->tls->client_ca_pem; !authorities.empty()) {
      state->clients =
          std::make_shared<const ClientCertificates>(authorities, config.tls->client_allowed_sans);
    }
  }
  if (!config.tokens_file.empty()) {
    auto text = ReadSmallFile(config.tokens_file);
    if (!text.ok()) return Annotate(text.status(), file + ": bearer_tokens_file");
    auto tokens = TokenList::Parse(*text);
    if (!tokens.ok()) return Annotate(tokens.status(), config.tokens_file);
    state->tokens = *std::move(tokens);
  }
  return std::shared_ptr<const AccessState>(std::move(state));
}

std::string StampOf(const std::string& file, const AccessState* state) {
  std::string stamp = StampOfFile(file);
  if (state == nullptr) return stamp;
  stamp += StampOfFile(state->config.tokens_file);
  if (state->config.tls.has_value()) {
    stamp += StampOfFile(state->config.tls->cert_file);
    stamp += StampOfFile(state->config.tls->key_file);
    stamp += StampOfFile(state->config.tls->client_ca_file);
  }
  return stamp;
}

}  // namespace alertjoin

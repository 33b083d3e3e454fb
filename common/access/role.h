#pragma once

#include <cstdint>
#include <initializer_list>

namespace alertjoin {

// What somebody may do. None contains another.
enum class Role : uint8_t {
  kPush = 1,   // Hand over alerts and events.
  kRead = 2,   // Read rows, alerts, samples, metrics.
  kAdmin = 4,  // Change how the service runs.
};

// Any number of roles. A value type.
class RoleSet {
 public:
  constexpr RoleSet() = default;
  constexpr RoleSet(std::initializer_list<Role> roles) {
    for (const Role role : roles) bits_ = static_cast<uint8_t>(bits_ | static_cast<uint8_t>(role));
  }
  static constexpr RoleSet All() { return {Role::kPush, Role::kRead, Role::kAdmin}; }

  constexpr void Add(Role role) {
    bits_ = static_cast<uint8_t>(bits_ | static_cast<uint8_t>(role));
  }
  constexpr bool HasAnyOf(RoleSet others) const { return (bits_ & others.bits_) != 0; }
  friend constexpr bool operator==(const RoleSet&, const RoleSet&) = default;

 private:
  uint8_t bits_ = 0;
};

}  // namespace alertjoin

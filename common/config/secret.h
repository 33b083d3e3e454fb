#pragma once

#include <ostream>
#include <string>
#include <string_view>

namespace alertjoin {

// What stands for a secret wherever something is shown.
constexpr std::string_view kShownSecret = "<secret>";

// A text that must not be seen: a password, a token, a key. It prints as <secret>, no formatter
// takes it, and its memory is wiped when it goes. Only Reveal gives it away, for what is sent to
// the server that it is meant for. A value type; a moved-from secret is empty.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  ~Secret() { Wipe(); }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;

  const std::string& Reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

  friend bool operator==(const Secret&, const Secret&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Secret& secret) {
    return secret.empty() ? out : out << kShownSecret;
  }

 private:
  void Wipe();

  std::string text_;
};

}  // namespace alertjoin

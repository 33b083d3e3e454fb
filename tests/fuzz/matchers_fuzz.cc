// libFuzzer target: matchers. Whatever comes, it is taken or refused with a column; what is taken
// is the same again after it was written out, and says of labels what its conditions say one by
// one.
//
//   cmake --preset fuzz && cmake --build --preset fuzz
//   build/fuzz/tests/fuzz/matchers_fuzz -max_total_time=60 FOLDER-FOR-THE-CORPUS

#include <fmt/format.h>
#include <re2/re2.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/status/status.h"
#include "common/text/labels.h"
#include "common/text/matchers.h"

namespace alertjoin {
namespace {

void Require(bool holds, const char* what, std::string_view text) {
  if (holds) return;
  fmt::print(stderr, "{}: {}\n", what, text);
  std::abort();
}

std::string ValueOf(const std::vector<LabelSet::LabelView>& labels, std::string_view name) {
  for (const auto& [label, value] : labels) {
    if (label == name) return std::string(value);
  }
  return "";
}

bool Fits(const Matcher& matcher, const std::string& value) {
  switch (matcher.op()) {
    case Matcher::Operator::kEqual:
      return value == matcher.value();
    case Matcher::Operator::kNotEqual:
      return value != matcher.value();
    case Matcher::Operator::kMatches:
      return RE2::FullMatch(value, RE2(matcher.value(), RE2::Quiet));
    case Matcher::Operator::kMatchesNot:
      return !RE2::FullMatch(value, RE2(matcher.value(), RE2::Quiet));
  }
  return false;
}

void Try(std::string_view text) {
  const auto matchers = ParseMatchers(text);
  if (!matchers.ok()) {
    const auto detail = DetailOf(matchers.status());
    Require(matchers.status().code() == absl::StatusCode::kInvalidArgument && detail.has_value() &&
                detail->reason == "INVALID_FILTER" && detail->field_violations.size() == 1,
            "refused without a reason", text);
    return;
  }
  const std::string written = matchers->ToString();
  // Escapes can make it longer than what may be given.
  if (written.size() <= kMatchersTextBytesMax) {
    const auto again = ParseMatchers(written);
    Require(again.ok() && *again == *matchers && again->ToString() == written, "not read back",
            written);
  }
  const std::vector<LabelSet::LabelView> samples[] = {{},
                                                      {{"a", "b"}},
                                                      {{"a", ""}},
                                                      {{"job", "api"}, {"severity", "critical"}},
                                                      {{"a", "b\nc\"\\"}}};
  for (const auto& labels : samples) {
    bool expected = true;
    for (const Matcher& matcher : matchers->list()) {
      expected = expected && Fits(matcher, ValueOf(labels, matcher.name()));
    }
    Require(matchers->Matches(LabelSet(labels)) == expected, "matches otherwise", text);
  }
}

}  // namespace
}  // namespace alertjoin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  alertjoin::Try({reinterpret_cast<const char*>(bytes), size});
  return 0;
}

#include "common/text/trace_parent.h"

#include <algorithm>

namespace alertjoin {
namespace {

constexpr std::string_view kForm = "00-00000000000000000000000000000000-0000000000000000-00";
constexpr size_t kTraceIdAt = 3;
constexpr size_t kTraceIdSize = 32;

}  // namespace

bool HasTraceparentForm(std::string_view text) {
  return text.size() == kForm.size() &&
         std::equal(text.begin(), text.end(), kForm.begin(), [](char c, char form) {
           return form == '-' ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string_view TraceIdOf(std::string_view traceparent) {
  return HasTraceparentForm(traceparent) ? traceparent.substr(kTraceIdAt, kTraceIdSize)
                                         : std::string_view();
}

}  // namespace alertjoin

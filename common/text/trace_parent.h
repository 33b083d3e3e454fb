#pragma once

#include <string_view>

namespace alertjoin {

// Whether the text is a traceparent as W3C Trace Context has it (section 3.2):
// version-trace-parent-flags, in lower-case hex.
bool HasTraceparentForm(std::string_view text);

// The trace id of a traceparent, 32 digits, which is what logs are searched for; "" for a text of
// another form. A part of `traceparent`.
std::string_view TraceIdOf(std::string_view traceparent);

}  // namespace alertjoin

#include "correlator-service/http/flat_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "common/status/status.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

constexpr std::string_view kCrlf = "\r\n";

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

// The text is UTF-8, as all texts in messages are.
void AppendJsonText(std::string_view text, std::string* out) {
  out->push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (byte >= 0x20 && byte != 0x7f) {
      out->push_back(c);
    } else {
      fmt::format_to(std::back_inserter(*out), "\\u{:04x}", byte);
    }
  }
  out->push_back('"');
}

void AppendCsvText(std::string_view text, std::string* out) {
  if (text.find_first_of("\",\r\n") == text.npos) {
    out->append(text);
    return;
  }
  out->push_back('"');
  for (const char c : text) {
    if (c == '"') out->push_back('"');
    out->push_back(c);
  }
  out->push_back('"');
}

void AppendLabels(const LabelMap& labels, std::string* out) {
  std::vector<const LabelMap::value_type*> sorted;
  sorted.reserve(labels.size());
  for (const auto& label : labels) sorted.push_back(&label);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  out->push_back('{');
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0) out->push_back(',');
    AppendJsonText(sorted[i]->first, out);
    out->push_back(':');
    AppendJsonText(sorted[i]->second, out);
  }
  out->push_back('}');
}

// The shortest text that reads back as the same number.
void AppendNumber(double value, std::string* out) {
  fmt::format_to(std::back_inserter(*out), "{}", value);
}

void AppendCsvNumber(double value, std::string* out) {
  if (std::isnan(value)) {
    out->append("NaN");
  } else if (std::isinf(value)) {
    out->append(value > 0 ? "Inf" : "-Inf");
  } else {
    AppendNumber(value, out);
  }
}

void AppendJsonNumber(double value, std::string* out) {
  if (std::isnan(value)) {
    out->append("\"NaN\"");
  } else if (std::isinf(value)) {
    out->append(value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  } else {
    AppendNumber(value, out);
  }
}

}  // namespace

FlatWriter::FlatWriter(FlatFormat format, std::vector<std::string> columns, bool times_as_ms)
    : format_(format), columns_(std::move(columns)), times_as_ms_(times_as_ms) {
  for (const std::string& column : columns_) {
    std::string& key = keys_.emplace_back(keys_.empty() ? "" : ",");
    AppendJsonText(column, &key);
    key.push_back(':');
  }
}

const char* FlatWriter::ContentType(FlatFormat format) {
  switch (format) {
    case FlatFormat::kCsv:
      return "text/csv; charset=utf-8; header=present";
    case FlatFormat::kJson:
      return "application/json";
    case FlatFormat::kNdjson:
      break;
  }
  return "application/x-ndjson";
}

void FlatWriter::Begin(std::string* out) const {
  if (format_ == FlatFormat::kJson) out->push_back('[');
  if (format_ != FlatFormat::kCsv) return;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out->push_back(',');
    AppendCsvText(columns_[i], out);
  }
  out->append(kCrlf);
}

void FlatWriter::Row(std::span<const FlatCell> cells, std::string* out) {
  CHECK(cells.size() == columns_.size());
  if (format_ == FlatFormat::kCsv) {
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) out->push_back(',');
      AppendCsv(cells[i], out);
    }
    out->append(kCrlf);
    return;
  }
  if (format_ == FlatFormat::kJson) out->append(first_ ? "\n" : ",\n");
  first_ = false;
  out->push_back('{');
  for (size_t i = 0; i < cells.size(); ++i) {
    out->append(keys_[i]);
    AppendJson(cells[i], out);
  }
  out->append(format_ == FlatFormat::kJson ? "}" : "}\n");
}

void FlatWriter::End(std::string* out) const {
  if (format_ == FlatFormat::kJson) out->append("\n]\n");
}

void FlatWriter::AppendTime(Timestamp time, std::string* out) const {
  if (times_as_ms_) {
    fmt::format_to(std::back_inserter(*out), "{}", time.millis());
  } else {
    out->append(FormatRfc3339(time));
  }
}

void FlatWriter::AppendCsv(const FlatCell& cell, std::string* out) {
  std::visit(Overloaded{
                 [](std::monostate) {},
                 [&](std::string_view text) { AppendCsvText(text, out); },
                 [&](double value) { AppendCsvNumber(value, out); },
                 [&](int64_t value) { fmt::format_to(std::back_inserter(*out), "{}", value); },
                 [&](bool value) { out->append(value ? "true" : "false"); },
                 [&](Timestamp time) { AppendTime(time, out); },
                 [&](const LabelMap* labels) {
                   text_.clear();
                   AppendLabels(*labels, &text_);
                   AppendCsvText(text_, out);
                 },
             },
             cell);
}

void FlatWriter::AppendJson(const FlatCell& cell, std::string* out) const {
  std::visit(Overloaded{
                 [&](std::monostate) { out->append("null"); },
                 [&](std::string_view text) { AppendJsonText(text, out); },
                 [&](double value) { AppendJsonNumber(value, out); },
                 [&](int64_t value) { fmt::format_to(std::back_inserter(*out), "{}", value); },
                 [&](bool value) { out->append(value ? "true" : "false"); },
                 [&](Timestamp time) {
                   if (!times_as_ms_) out->push_back('"');
                   AppendTime(time, out);
                   if (!times_as_ms_) out->push_back('"');
                 },
                 [&](const LabelMap* labels) { AppendLabels(*labels, out); },
             },
             cell);
}

}  // namespace alertjoin

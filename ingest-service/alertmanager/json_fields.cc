#include "ingest-service/alertmanager/json_fields.h"

#include <fmt/format.h>

#include "common/event/event_limits.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr size_t kShownBytesMax = 64;

absl::Status OverLimit(std::string_view path, std::string_view why) {
  return WithReason(absl::InvalidArgumentError(fmt::format("{}: {}", path, why)), "OVER_LIMIT");
}

absl::Status CheckLabel(const std::string& path, const std::string& name, const std::string& value,
                        size_t value_bytes_max) {
  if (name.empty()) return WrongShape(path, "an empty name");
  if (name.size() > kLabelNameBytesMax) {
    return OverLimit(path,
                     fmt::format("name \"{}\" has {} bytes, the limit is {}",
                                 Excerpt(name, kShownBytesMax), name.size(), kLabelNameBytesMax));
  }
  if (value.size() > value_bytes_max) {
    return OverLimit(
        PathOf(path, Excerpt(name, kShownBytesMax)),
        fmt::format("the value has {} bytes, the limit is {}", value.size(), value_bytes_max));
  }
  return absl::OkStatus();
}

}  // namespace

const nlohmann::json* FindField(const nlohmann::json& object, const std::string& name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string PathOf(std::string_view where, std::string_view name) {
  return where.empty() ? std::string(name) : fmt::format("{}.{}", where, name);
}

absl::Status WrongShape(std::string_view path, std::string_view why) {
  return WithReason(absl::InvalidArgumentError(fmt::format("{}: {}", path, why)), "WRONG_SHAPE");
}

absl::StatusOr<std::string> TextField(const nlohmann::json& object, std::string_view where,
                                      const std::string& name) {
  const nlohmann::json* const field = FindField(object, name);
  if (!field) return std::string();
  if (!field->is_string()) {
    return WrongShape(PathOf(where, name),
                      fmt::format("expected a string, got {}", field->type_name()));
  }
  return field->get<std::string>();
}

absl::StatusOr<LabelSet> LabelsField(const nlohmann::json& object, std::string_view where,
                                     const std::string& name, size_t value_bytes_max) {
  const nlohmann::json* const field = FindField(object, name);
  if (!field) return LabelSet();
  const std::string path = PathOf(where, name);
  if (!field->is_object()) {
    return WrongShape(path,
                      fmt::format("expected an object of strings, got {}", field->type_name()));
  }
  if (field->size() > kLabelsMax) {
    return OverLimit(path, fmt::format("{} entries, the limit is {}", field->size(), kLabelsMax));
  }
  const std::string no_text;
  std::vector<LabelSet::LabelView> labels;
  labels.reserve(field->size());
  for (const auto& [key, value] : field->get_ref<const nlohmann::json::object_t&>()) {
    if (!value.is_string() && !value.is_null()) {
      return WrongShape(PathOf(path, Excerpt(key, kShownBytesMax)),
                        fmt::format("expected a string, got {}", value.type_name()));
    }
    const std::string& text = value.is_null() ? no_text : value.get_ref<const std::string&>();
    RETURN_IF_ERROR(CheckLabel(path, key, text, value_bytes_max));
    labels.emplace_back(key, text);
  }
  return LabelSet(labels);
}

}  // namespace alertjoin

#include "ingest-service/alertmanager/json_fields.h"

#include <fmt/format.h>

#include "common/event/event_limits.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

absl::Status OverLimit(std::string_view path, std::string_view why) {
  return WithReason(absl::InvalidArgumentError(fmt::format("{}: {}", path, why)), "OVER_LIMIT");
}

// The label is in the field `name` of the object at `where`.
absl::Status CheckLabel(std::string_view where, std::string_view field, std::string_view name,
                        std::string_view value, size_t value_bytes_max) {
  if (name.empty()) return WrongShape(PathOf(where, field), "an empty name");
  if (name.size() > kLabelNameBytesMax) {
    return OverLimit(PathOf(where, field),
                     fmt::format("name \"{}\" has {} bytes, the limit is {}", Excerpt(name),
                                 name.size(), kLabelNameBytesMax));
  }
  if (value.size() > value_bytes_max) {
    return OverLimit(
        PathOf(PathOf(where, field), Excerpt(name)),
        fmt::format("the value has {} bytes, the limit is {}", value.size(), value_bytes_max));
  }
  return absl::OkStatus();
}

const nlohmann::json* Find(const nlohmann::json& object, std::string_view name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}
const JsonValue* Find(const JsonValue& object, std::string_view name) { return object.Find(name); }

std::string_view TextOf(const nlohmann::json& text) { return text.get_ref<const std::string&>(); }
std::string_view TextOf(const JsonValue& text) { return text.text(); }

// Calls `visit` with the name and value of each member, until it gives an error.
template <typename Visit>
absl::Status ForEachMember(const nlohmann::json& object, const Visit& visit) {
  for (const auto& [key, value] : object.get_ref<const nlohmann::json::object_t&>()) {
    RETURN_IF_ERROR(visit(key, value));
  }
  return absl::OkStatus();
}
template <typename Visit>
absl::Status ForEachMember(const JsonValue& object, const Visit& visit) {
  for (const JsonValue& value : object) RETURN_IF_ERROR(visit(value.key(), value));
  return absl::OkStatus();
}

}  // namespace

template <typename Json>
const Json* FindField(const Json& object, std::string_view name) {
  const Json* const found = Find(object, name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string PathOf(std::string_view where, std::string_view name) {
  return where.empty() ? std::string(name) : fmt::format("{}.{}", where, name);
}

absl::Status WrongShape(std::string_view path, std::string_view why) {
  return WithReason(absl::InvalidArgumentError(fmt::format("{}: {}", path, why)), "WRONG_SHAPE");
}

template <typename Json>
absl::StatusOr<std::string> TextField(const Json& object, std::string_view where,
                                      std::string_view name) {
  const Json* const field = FindField(object, name);
  if (!field) return std::string();
  if (!field->is_string()) {
    return WrongShape(PathOf(where, name),
                      fmt::format("expected a string, got {}", field->type_name()));
  }
  return std::string(TextOf(*field));
}

template <typename Json>
absl::StatusOr<LabelSet> LabelsField(const Json& object, std::string_view where,
                                     std::string_view name, size_t value_bytes_max) {
  const Json* const field = FindField(object, name);
  if (!field) return LabelSet();
  if (!field->is_object()) {
    return WrongShape(PathOf(where, name),
                      fmt::format("expected an object of strings, got {}", field->type_name()));
  }
  if (field->size() > kLabelsMax) {
    return OverLimit(PathOf(where, name),
                     fmt::format("{} entries, the limit is {}", field->size(), kLabelsMax));
  }
  std::vector<LabelSet::LabelView> labels;
  labels.reserve(field->size());
  RETURN_IF_ERROR(ForEachMember(*field, [&](std::string_view key, const Json& value) {
    if (!value.is_string() && !value.is_null()) {
      return WrongShape(PathOf(PathOf(where, name), Excerpt(key)),
                        fmt::format("expected a string, got {}", value.type_name()));
    }
    labels.emplace_back(key, value.is_null() ? std::string_view() : TextOf(value));
    return CheckLabel(where, name, key, labels.back().second, value_bytes_max);
  }));
  return LabelSet(labels);
}

template const nlohmann::json* FindField(const nlohmann::json&, std::string_view);
template const JsonValue* FindField(const JsonValue&, std::string_view);
template absl::StatusOr<std::string> TextField(const nlohmann::json&, std::string_view,
                                               std::string_view);
template absl::StatusOr<std::string> TextField(const JsonValue&, std::string_view,
                                               std::string_view);
template absl::StatusOr<LabelSet> LabelsField(const nlohmann::json&, std::string_view,
                                              std::string_view, size_t);
template absl::StatusOr<LabelSet> LabelsField(const JsonValue&, std::string_view, std::string_view,
                                              size_t);

}  // namespace alertjoin

// io/json_field.hpp - fields of JSON that other versions, other programs or a damaged disk may have written.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

namespace impsweep {

// Sets `value` to the field of an object. Leaves it if there is no such field, if it is of another type (a
// fraction is no integer), or if this is no object.
template <class T>
void read_field(const nlohmann::json& object, const char* name, T& value) {
  if (!object.is_object()) return;
  const auto found = object.find(name);
  if (found == object.end()) return;
  if constexpr (std::is_same_v<T, std::string>) {
    if (!found->is_string()) return;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!found->is_boolean()) return;
  } else if constexpr (std::is_integral_v<T>) {
    if (!found->is_number_integer()) return;
  } else {
    if (!found->is_number()) return;
  }
  value = found->template get<T>();
}

// The same, for fields that have a value of their own where they are missing.
template <class T>
T field_or(const nlohmann::json& object, const char* name, T value) {
  read_field(object, name, value);
  return value;
}

}  // namespace impsweep

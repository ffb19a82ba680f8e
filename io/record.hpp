// io/record.hpp - a tree of attributes and arrays in memory: what one result file or checkpoint holds.
//
// Groups are named by their path without a leading slash, "" is the root. Two records are equal if they are
// equal to the bit: -0.0 differs from 0.0, and a NaN equals the same NaN.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace impsweep {

// Texts are UTF-8 without NUL characters.
using Attribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>,
                               std::vector<double>, std::vector<std::string>>;

struct Array {
  using Values = std::variant<std::vector<float>, std::vector<double>, std::vector<std::int32_t>,
                              std::vector<std::int64_t>, std::vector<std::uint8_t>>;

  std::vector<std::uint64_t> shape;  // [slowest] ... [fastest]; empty for a single value
  Values values;                     // as many as the product of the shape

  template <class T>
  static Array vector(std::vector<T> values) {
    return {{values.size()}, std::move(values)};
  }
  template <class T>
  static Array matrix(std::uint64_t rows, std::uint64_t columns, std::vector<T> values) {
    return {{rows, columns}, std::move(values)};
  }
};

struct Record {
  std::map<std::string, std::map<std::string, Attribute>> attributes;  // [group path][name]
  std::map<std::string, Array> arrays;                                 // by path, "curve/mean"
  std::string origin;  // file it was read from; for messages, not part of the content

  // The value of an attribute or the elements of an array. If it is missing or of another type, an InputError
  // names the origin, the place and both types. number() and numbers() accept integers.
  std::int64_t integer(const std::string& group, const std::string& name) const;
  double number(const std::string& group, const std::string& name) const;
  const std::string& text(const std::string& group, const std::string& name) const;
  const std::vector<std::int64_t>& integers(const std::string& group, const std::string& name) const;
  std::vector<double> numbers(const std::string& group, const std::string& name) const;
  const std::vector<std::string>& texts(const std::string& group, const std::string& name) const;
  const Array& array(const std::string& path) const;
  template <class T>
  const std::vector<T>& values(const std::string& path) const;

  bool has_attribute(const std::string& group, const std::string& name) const;
  bool has_array(const std::string& path) const { return arrays.contains(path); }
};

// "integer", "numbers", ... and "float32 [128][4]": how the types are called in messages.
std::string_view type_name(const Attribute&);
std::string type_name(const Array&);

struct Difference {
  std::string place;  // "group@attribute" or "path/of/array"
  std::string text;   // "element 17: 0.25 against 0.5"
};

// The first difference in the order of the places, or nothing. What lies in the top-level group `excluded`
// (where it was made and how long it took, say) is not compared; "" excludes nothing.
std::optional<Difference> first_difference(const Record&, const Record&, std::string_view excluded = "");
bool operator==(const Record&, const Record&);

// SHA-256 of a canonical form of the content: equal for equal records, whatever file holds them.
std::string content_digest(const Record&, std::string_view excluded = "");

}  // namespace impsweep

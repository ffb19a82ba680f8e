#include "io/record.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

#include "io/digest.hpp"
#include "io/error.hpp"

namespace impsweep {

namespace {

constexpr std::string_view kAttributeTypes[] = {"integer", "number", "text", "integers", "numbers", "texts"};
constexpr std::string_view kArrayTypes[] = {"float32", "float64", "int32", "int64", "uint8"};

std::string attribute_place(std::string_view group, std::string_view name) {
  return fmt::format("{}@{}", group, name);
}

[[noreturn]] void throw_wrong(const Record& record, std::string_view place, std::string_view reason) {
  throw InputError("{}: '{}' {}; check that this is the right file, made by a matching version",
                   record.origin.empty() ? "record in memory" : record.origin, place, reason);
}

const Attribute& find_attribute(const Record& record, const std::string& group, const std::string& name) {
  if (!record.has_attribute(group, name)) throw_wrong(record, attribute_place(group, name), "is missing");
  return record.attributes.at(group).at(name);
}

template <class T>
const T& expect(const Record& record, const std::string& group, const std::string& name) {
  const Attribute& attribute = find_attribute(record, group, name);
  if (const T* value = std::get_if<T>(&attribute)) return *value;
  throw_wrong(record, attribute_place(group, name),
              fmt::format("is of type {}, not {}", type_name(attribute), type_name(Attribute(T()))));
}

bool is_excluded(std::string_view path, std::string_view excluded) {
  return !excluded.empty() && path.starts_with(excluded) &&
         (path.size() == excluded.size() || path[excluded.size()] == '/');
}

// ---- canonical bytes

static_assert(std::endian::native == std::endian::little, "digests are of little-endian bytes");

class Canonical {
 public:
  void put(std::uint64_t value) { hash_.update(std::as_bytes(std::span(&value, 1))); }
  void put(std::int64_t value) { put(static_cast<std::uint64_t>(value)); }
  void put(double value) { put(std::bit_cast<std::uint64_t>(value)); }
  void put(std::string_view text) {
    put(std::uint64_t{text.size()});
    hash_.update(bytes_of(text));
  }
  void put(const std::string& text) { put(std::string_view(text)); }
  template <class T>
  void put(const std::vector<T>& values) {
    put(std::uint64_t{values.size()});
    if constexpr (std::is_arithmetic_v<T>) {
      hash_.update(std::as_bytes(std::span(values)));
    } else {
      for (const T& value : values) put(value);
    }
  }
  std::string hex() { return hash_.hex(); }

 private:
  Sha256 hash_;
};

// ---- differences

// Both values, and their bits if they print the same.
template <class T>
std::string against(const T& a, const T& b) {
  const std::string first = fmt::format("{}", a), second = fmt::format("{}", b);
  if constexpr (std::is_floating_point_v<T>) {
    using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    if (first == second)
      return fmt::format("{} against {} (bits {:x} and {:x})", first, second, std::bit_cast<Bits>(a),
                         std::bit_cast<Bits>(b));
  }
  return fmt::format("{} against {}", first, second);
}

template <class T>
bool same(const T& a, const T& b) {
  if constexpr (std::is_arithmetic_v<T>) {
    return std::memcmp(&a, &b, sizeof(T)) == 0;  // NOLINT(bugprone-suspicious-memory-comparison): by bits
  } else {
    return a == b;
  }
}

template <class T>
std::string difference_of(const T& a, const T& b) {
  return same(a, b) ? "" : against(a, b);
}

template <class T>
std::string difference_of(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return fmt::format("{} against {} elements", a.size(), b.size());
  if constexpr (std::is_arithmetic_v<T>) {
    if (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0) return "";
  }
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(a[i], b[i])) return fmt::format("element {}: {}", i, against(a[i], b[i]));
  return "";
}

// Values of two variants that hold the same alternative.
template <class Variant>
std::string difference_within(const Variant& a, const Variant& b) {
  return std::visit([&](const auto& x) { return difference_of(x, std::get<std::decay_t<decltype(x)>>(b)); },
                    a);
}

std::string difference_of(const Attribute& a, const Attribute& b) {
  if (a.index() != b.index()) return fmt::format("{} against {}", type_name(a), type_name(b));
  return difference_within(a, b);
}

std::string difference_of(const Array& a, const Array& b) {
  if (a.values.index() != b.values.index() || a.shape != b.shape)
    return fmt::format("{} against {}", type_name(a), type_name(b));
  return difference_within(a.values, b.values);
}

template <class Value>
using Places = std::map<std::string, std::reference_wrapper<const Value>>;

// The first difference of two maps from places to values.
template <class Value>
std::optional<Difference> first_difference_of(const Places<Value>& a, const Places<Value>& b) {
  auto i = a.begin(), j = b.begin();
  for (; i != a.end() || j != b.end(); ++i, ++j) {
    if (j == b.end() || (i != a.end() && i->first < j->first))
      return Difference{i->first, "only in the first"};
    if (i == a.end() || j->first < i->first) return Difference{j->first, "only in the second"};
    if (std::string text = difference_of(i->second.get(), j->second.get()); !text.empty())
      return Difference{i->first, std::move(text)};
  }
  return std::nullopt;
}

Places<Attribute> attribute_places(const Record& record, std::string_view excluded) {
  Places<Attribute> places;
  for (const auto& [group, attributes] : record.attributes)
    for (const auto& [name, attribute] : attributes)
      if (!is_excluded(group, excluded)) places.emplace(attribute_place(group, name), attribute);
  return places;
}

Places<Array> array_places(const Record& record, std::string_view excluded) {
  Places<Array> places;
  for (const auto& [path, array] : record.arrays)
    if (!is_excluded(path, excluded)) places.emplace(path, array);
  return places;
}

}  // namespace

std::string_view type_name(const Attribute& attribute) {
  return kAttributeTypes[attribute.index()];
}

std::string type_name(const Array& array) {
  std::string name(kArrayTypes[array.values.index()]);
  if (!array.shape.empty()) name += ' ';
  for (const std::uint64_t extent : array.shape) name += fmt::format("[{}]", extent);
  return name;
}

std::int64_t Record::integer(const std::string& group, const std::string& name) const {
  return expect<std::int64_t>(*this, group, name);
}

double Record::number(const std::string& group, const std::string& name) const {
  if (const auto* whole = std::get_if<std::int64_t>(&find_attribute(*this, group, name)))
    return static_cast<double>(*whole);
  return expect<double>(*this, group, name);
}

const std::string& Record::text(const std::string& group, const std::string& name) const {
  return expect<std::string>(*this, group, name);
}

const std::vector<std::int64_t>& Record::integers(const std::string& group, const std::string& name) const {
  return expect<std::vector<std::int64_t>>(*this, group, name);
}

std::vector<double> Record::numbers(const std::string& group, const std::string& name) const {
  if (const auto* whole = std::get_if<std::vector<std::int64_t>>(&find_attribute(*this, group, name)))
    return {whole->begin(), whole->end()};
  return expect<std::vector<double>>(*this, group, name);
}

const std::vector<std::string>& Record::texts(const std::string& group, const std::string& name) const {
  return expect<std::vector<std::string>>(*this, group, name);
}

bool Record::has_attribute(const std::string& group, const std::string& name) const {
  const auto found = attributes.find(group);
  return found != attributes.end() && found->second.contains(name);
}

const Array& Record::array(const std::string& path) const {
  const auto found = arrays.find(path);
  if (found == arrays.end()) throw_wrong(*this, path, "is missing");
  return found->second;
}

template <class T>
const std::vector<T>& Record::values(const std::string& path) const {
  const Array& found = array(path);
  if (const auto* values = std::get_if<std::vector<T>>(&found.values)) return *values;
  throw_wrong(*this, path,
              fmt::format("is {}, not of {}", type_name(found), type_name(Array{{}, std::vector<T>()})));
}

template const std::vector<float>& Record::values(const std::string&) const;
template const std::vector<double>& Record::values(const std::string&) const;
template const std::vector<std::int32_t>& Record::values(const std::string&) const;
template const std::vector<std::int64_t>& Record::values(const std::string&) const;
template const std::vector<std::uint8_t>& Record::values(const std::string&) const;

std::optional<Difference> first_difference(const Record& a, const Record& b, std::string_view excluded) {
  if (auto difference = first_difference_of(attribute_places(a, excluded), attribute_places(b, excluded)))
    return difference;
  return first_difference_of(array_places(a, excluded), array_places(b, excluded));
}

bool operator==(const Record& a, const Record& b) {
  return !first_difference(a, b);
}

std::string content_digest(const Record& record, std::string_view excluded) {
  Canonical canonical;
  const auto attributes = attribute_places(record, excluded);
  canonical.put(std::uint64_t{attributes.size()});
  for (const auto& [place, attribute] : attributes) {
    canonical.put(place);
    canonical.put(type_name(attribute.get()));
    std::visit([&](const auto& value) { canonical.put(value); }, attribute.get());
  }
  const auto arrays = array_places(record, excluded);
  canonical.put(std::uint64_t{arrays.size()});
  for (const auto& [path, array] : arrays) {
    canonical.put(path);
    canonical.put(type_name(array.get()));
    canonical.put(array.get().shape);
    std::visit([&](const auto& values) { canonical.put(values); }, array.get().values);
  }
  return canonical.hex();
}

}  // namespace impsweep

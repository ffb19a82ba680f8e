// envs/archive.hpp - a struct lists its state once, in `template <class A> void visit(A& archive)`, and gets
// saving, loading and comparing from that one list.
//
//   struct Lane { double x; std::vector<float> trail;
//     template <class A> void visit(A& a) { a("x", x); a("trail", trail); } };
//
// Supported members: arithmetic and enum types, std::string, std::vector and std::array of supported types,
// structs with visit(). The bytes are little-endian and carry every name, so that a checkpoint of another
// layout is refused.
//
// What is loaded may come from anybody. Whatever is used as an index, a length or a choice is therefore
// listed with what it may be, and a state that is impossible is refused before anything uses it:
//
//   a.ranged("ball_x", ball_x, 0, 9)         a number, or each of a sequence, in this range; not NaN
//   a.sized("buffer", buffer)                a vector whose length follows from the recipe, and stays
//   a.sized_ranged("action", action, 0, 3)   both
//   a.require("coins", [&] { return ...; })  a relation between what was listed before
//
// A truth value is 0 or 1 without being asked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace impsweep {

struct ArchiveError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace detail {
template <class T>
inline constexpr bool is_plain = std::is_arithmetic_v<T> || std::is_enum_v<T>;
template <class T>
struct IsSequence : std::false_type {};
template <class T, class A>
struct IsSequence<std::vector<T, A>> : std::true_type {};
template <class T, std::size_t N>
struct IsSequence<std::array<T, N>> : std::true_type {};
}  // namespace detail

class StateWriter {
 public:
  template <class T>
  void operator()(std::string_view name, const T& value) {
    put_text(name);
    put(value);
  }
  template <class T>
  void sized(std::string_view name, const T& value) {
    (*this)(name, value);
  }
  template <class T, class Bound>
  void ranged(std::string_view name, const T& value, Bound /*lowest*/, Bound /*highest*/) {
    (*this)(name, value);
  }
  template <class T, class Bound>
  void sized_ranged(std::string_view name, const T& value, Bound /*lowest*/, Bound /*highest*/) {
    (*this)(name, value);
  }
  template <class Predicate>
  void require(std::string_view /*name*/, const Predicate&) {}
  // What another writer has taken.
  void append(const std::vector<std::byte>& written) { put_raw(written.data(), written.size()); }
  const std::vector<std::byte>& bytes() const { return bytes_; }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  template <class T>
  void put(const T& value) {
    if constexpr (detail::is_plain<T>) {
      put_raw(&value, sizeof value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      put_text(value);
    } else if constexpr (std::is_same_v<T, std::vector<bool>>) {
      put_size(value.size());
      for (const bool bit : value) put(bit);
    } else if constexpr (detail::IsSequence<T>::value) {
      put_size(value.size());
      if constexpr (detail::is_plain<typename T::value_type>)
        put_raw(value.data(), value.size() * sizeof(typename T::value_type));
      else
        for (const auto& element : value) put(element);
    } else {
      const_cast<T&>(value).visit(*this);  // visit only reads here; it is shared with the reader
    }
  }
  void put_raw(const void* data, std::size_t size);
  void put_size(std::uint64_t size) { put_raw(&size, sizeof size); }
  void put_text(std::string_view text) {
    put_size(text.size());
    put_raw(text.data(), text.size());
  }
  std::vector<std::byte> bytes_;
};

class StateReader {
 public:
  // The bytes must outlive the reader.
  StateReader(const std::byte* data, std::size_t size) : data_(data), size_(size) {}

  template <class T>
  void operator()(std::string_view name, T& value) {
    std::string found;
    get(found);
    if (found != name)
      throw ArchiveError("saved state holds '" + found + "' where '" + std::string(name) + "' was expected");
    get(value);
  }
  template <class T>
  void sized(std::string_view name, T& value) {
    const std::size_t size = value.size();
    (*this)(name, value);
    if (value.size() != size)
      throw ArchiveError("saved state holds " + std::to_string(value.size()) + " elements of '" +
                         std::string(name) + "' instead of " + std::to_string(size));
  }
  template <class T, class Bound>
  void ranged(std::string_view name, T& value, Bound lowest, Bound highest) {
    (*this)(name, value);
    require_range(name, value, lowest, highest);
  }
  template <class T, class Bound>
  void sized_ranged(std::string_view name, T& value, Bound lowest, Bound highest) {
    sized(name, value);
    require_range(name, value, lowest, highest);
  }
  template <class Predicate>
  void require(std::string_view name, const Predicate& is_possible) {
    if (!is_possible()) throw ArchiveError("saved state holds an impossible '" + std::string(name) + "'");
  }
  bool at_end() const { return position_ == size_; }

 private:
  template <class T, class Bound>
  void require_range(std::string_view name, const T& value, Bound lowest, Bound highest) {
    if constexpr (detail::IsSequence<T>::value) {
      for (const auto& element : value) require_range(name, element, lowest, highest);
    } else if constexpr (std::is_enum_v<T>) {
      require_range(name, std::int64_t{static_cast<std::underlying_type_t<T>>(value)},
                    static_cast<std::int64_t>(lowest), static_cast<std::int64_t>(highest));
    } else if constexpr (std::is_floating_point_v<T>) {
      require(name, [&] { return value >= static_cast<T>(lowest) && value <= static_cast<T>(highest); });
    } else {
      require(name,
              [&] { return std::cmp_greater_equal(value, lowest) && std::cmp_less_equal(value, highest); });
    }
  }
  template <class T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      get_raw(&byte, sizeof byte);
      if (byte > 1) throw ArchiveError("saved state holds a truth value that is neither 0 nor 1");
      value = byte == 1;
    } else if constexpr (detail::is_plain<T>) {
      get_raw(&value, sizeof value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      value.resize(get_size(1));
      get_raw(value.data(), value.size());
    } else if constexpr (std::is_same_v<T, std::vector<bool>>) {
      value.resize(get_size(1));
      for (std::size_t i = 0; i < value.size(); ++i) {
        bool bit = false;
        get(bit);
        value[i] = bit;
      }
    } else if constexpr (detail::IsSequence<T>::value) {
      using Element = typename T::value_type;
      const std::size_t count = get_size(detail::is_plain<Element> ? sizeof(Element) : 1);
      if constexpr (requires { value.resize(count); })
        value.resize(count);
      else if (count != value.size())
        throw ArchiveError("saved state holds an array of another length");
      if constexpr (detail::is_plain<Element> && !std::is_same_v<Element, bool>)
        get_raw(value.data(), count * sizeof(Element));
      else
        for (auto& element : value) get(element);
    } else {
      value.visit(*this);
    }
  }
  void get_raw(void* data, std::size_t size) {
    if (size > size_ - position_) throw ArchiveError("saved state ends early");
    if (size != 0) std::memcpy(data, data_ + position_, size);
    position_ += size;
  }
  std::size_t get_size(std::size_t element_size) {
    std::uint64_t size = 0;
    get_raw(&size, sizeof size);
    if (size > (size_ - position_) / element_size) throw ArchiveError("saved state ends early");
    return static_cast<std::size_t>(size);
  }
  const std::byte* data_;
  std::size_t size_;
  std::size_t position_ = 0;
};

}  // namespace impsweep

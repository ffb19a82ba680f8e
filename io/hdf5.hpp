// io/hdf5.hpp - reading HDF5 files. Every mistake is an InputError naming the file, the object, the library's
// own words and the remedy; nothing is printed.
//
// Object paths are "group/dataset" without a leading slash; "" is the root. Names are listed in byte order.
// Numbers are converted to the type that is asked for; a value that does not fit, or a fraction where an
// integer is asked for, is an error and never cut. Texts may be of fixed length (zero-terminated, zero- or
// space-padded) or of variable length, ASCII or UTF-8.
//
// Soft and external links are not followed, and datasets that lie in other files are not read.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "io/digest.hpp"
#include "io/record.hpp"

namespace impsweep {

template <class T>
concept Element = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int32_t> ||
    std::same_as<T, std::int64_t> || std::same_as<T, std::uint8_t>;

class Hdf5File {
 public:
  // A torn HDF5 file can crash the library, so signature and length are checked first. Altered bytes are not
  // noticed by that; record files (io/record_file.hpp) carry a checksum.
  static Hdf5File open_readonly(const std::filesystem::path&);

  // A file that is already in memory; the bytes are copied. `name` stands in messages.
  static Hdf5File open_image(ByteView, std::string name);

  Hdf5File(Hdf5File&&) noexcept;
  Hdf5File& operator=(Hdf5File&&) noexcept;
  ~Hdf5File();

  const std::string& name() const;  // the file, as it stands in messages

  bool exists(const std::string& path) const;  // false for links that are not followed
  bool is_group(const std::string& path) const;
  std::uint64_t address(const std::string& path) const;  // equal for two paths that lead to one object
  std::vector<std::string> children(const std::string& group = "") const;

  std::vector<std::uint64_t> shape(const std::string& dataset) const;  // empty for a single value
  template <Element T>
  std::vector<T> read(const std::string& dataset) const;  // row-major
  std::vector<std::string> read_strings(const std::string& dataset) const;
  Array array(const std::string& dataset) const;  // in the file's own type, which must be one of Array's

  std::vector<std::string> attribute_names(const std::string& object) const;
  bool has_attribute(const std::string& object, const std::string& name) const;
  // Integers of any width and truth values become int64, floats double; arrays of any rank become flat
  // vectors.
  Attribute attribute(const std::string& object, const std::string& name) const;
  std::int64_t attribute_int(const std::string& object, const std::string& name) const;
  double attribute_double(const std::string& object, const std::string& name) const;
  std::string attribute_string(const std::string& object, const std::string& name) const;
  std::vector<std::int64_t> attribute_ints(const std::string& object, const std::string& name) const;
  std::vector<double> attribute_doubles(const std::string& object, const std::string& name) const;
  std::vector<std::string> attribute_strings(const std::string& object, const std::string& name) const;

 private:
  struct Impl;
  explicit Hdf5File(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

}  // namespace impsweep

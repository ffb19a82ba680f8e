#include "io/hdf5.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <new>
#include <system_error>
#include <type_traits>

#include "io/error.hpp"
#include "io/files.hpp"
#include "io/hdf5_extent.hpp"
#include "io/hdf5_handle.hpp"

namespace impsweep {

namespace fs = std::filesystem;
using hdf5::call;
using hdf5::Failure;
using hdf5::Handle;
using hdf5::own;

struct Hdf5File::Impl {
  Handle file;
  std::string name;
  std::uint64_t bytes = 0;  // length of the file
};

namespace {

constexpr const char* kWrongFile = "check that this is the right file";

// Runs `body`; what the library or we complain about becomes an InputError that names file and place.
template <class Body>
auto at(const std::string& file, const std::string& place, const Body& body) {
  try {
    return body();
  } catch (const Failure& failure) {
    throw InputError("{}: '{}': {}; {}", file, place, failure.what(), kWrongFile);
  } catch (const std::bad_alloc&) {
    throw InputError("{}: '{}' does not fit into memory; use a machine with more memory", file, place);
  }
}

std::string place_of(const std::string& object, const std::string& name) {
  return object + "@" + name;
}

// Files come from anybody. What a link or a dataset would fetch from elsewhere is none of their content, and
// following it would copy what the sender cannot see: only index.h5 has such links, and nothing here reads
// through them.
void require_hard_links(hid_t file, const std::string& path) {
  for (std::size_t end = 0; end != std::string::npos && !path.empty();) {
    end = path.find('/', end + 1);
    H5L_info_t link;
    const std::string prefix = path.substr(0, end);
    if (prefix.empty() || prefix == ".") continue;
    call(H5Lget_info, file, prefix.c_str(), &link, H5P_DEFAULT);
    if (link.type != H5L_TYPE_HARD)
      throw Failure("is reached by a soft or external link, which is not followed");
  }
}

void require_own_storage(hid_t dataset) {
  const Handle creation = own(H5Pclose, H5Dget_create_plist, dataset);
  if (call(H5Pget_external_count, static_cast<hid_t>(creation)) > 0 ||
      call(H5Pget_layout, static_cast<hid_t>(creation)) == H5D_VIRTUAL)
    throw Failure("is kept in another file, which is not read");
}

Handle open_object(hid_t file, const std::string& path) {
  require_hard_links(file, path);
  return own(H5Oclose, H5Oopen, file, path.empty() ? "/" : path.c_str(), H5P_DEFAULT);
}

Handle open_dataset(hid_t file, const std::string& path) {
  Handle object = open_object(file, path);
  if (H5Iget_type(object) != H5I_DATASET) throw Failure("is a group, not a dataset");
  require_own_storage(object);
  return object;
}

std::vector<std::uint64_t> extents(hid_t space) {
  const int rank = call(H5Sget_simple_extent_ndims, space);
  std::vector<hsize_t> shape(static_cast<std::size_t>(rank));
  call(H5Sget_simple_extent_dims, space, shape.data(), nullptr);
  return {shape.begin(), shape.end()};
}

// What a dataset and an attribute have in common.
struct Stored {
  Handle object, type, space;
  herr_t (*read)(hid_t object, hid_t memory_type, void* out) = nullptr;

  H5T_class_t type_class() const { return H5Tget_class(type); }
  std::size_t size() const {
    const hssize_t points = call(H5Sget_simple_extent_npoints, static_cast<hid_t>(space));
    return H5Sget_simple_extent_type(space) == H5S_NULL ? 0 : static_cast<std::size_t>(points);
  }
  bool is_scalar() const { return H5Sget_simple_extent_type(space) != H5S_SIMPLE; }
};

Stored stored_dataset(hid_t file, const std::string& path) {
  Stored stored;
  stored.object = open_dataset(file, path);
  stored.type = own(H5Tclose, H5Dget_type, stored.object);
  stored.space = own(H5Sclose, H5Dget_space, stored.object);
  stored.read = [](hid_t dataset, hid_t type, void* out) {
    // The library would cut a value that is out of range to the nearest one that fits.
    const Handle transfer = own(H5Pclose, H5Pcreate, H5P_DATASET_XFER);
    const H5T_conv_except_func_t refuse = [](H5T_conv_except_t kind, hid_t, hid_t, void*, void*, void*) {
      return kind == H5T_CONV_EXCEPT_RANGE_HI || kind == H5T_CONV_EXCEPT_RANGE_LOW ? H5T_CONV_ABORT
                                                                                   : H5T_CONV_UNHANDLED;
    };
    call(H5Pset_type_conv_cb, transfer, refuse, nullptr);
    return H5Dread(dataset, type, H5S_ALL, H5S_ALL, transfer, out);
  };
  return stored;
}

Stored stored_attribute(hid_t file, const std::string& object, const std::string& name) {
  const Handle parent = open_object(file, object);
  if (call(H5Aexists, parent, name.c_str()) == 0) throw Failure("is missing");
  Stored stored;
  stored.object = own(H5Aclose, H5Aopen, parent, name.c_str(), H5P_DEFAULT);
  stored.type = own(H5Tclose, H5Aget_type, stored.object);
  stored.space = own(H5Sclose, H5Aget_space, stored.object);
  stored.read = [](hid_t attribute, hid_t type, void* out) { return H5Aread(attribute, type, out); };
  return stored;
}

// A damaged header may claim any size. Deflate shrinks at most by 1032, so more than that cannot be in the
// file.
void require_plausible(const Stored& stored, std::uint64_t element_bytes, std::uint64_t file_bytes) {
  const std::uint64_t limit = std::max<std::uint64_t>(std::uint64_t{64} << 20, 1100 * file_bytes);
  if (stored.size() > limit / std::max<std::uint64_t>(1, element_bytes))
    throw Failure("claims more data than the file can hold");
}

bool holds_integers(const Stored& stored) {
  return stored.type_class() == H5T_INTEGER ||
         stored.type_class() == H5T_ENUM;  // h5py's bool is an enumeration
}

template <class T>
std::vector<T> read_numbers(const Stored& stored, std::uint64_t file_bytes) {
  if (!holds_integers(stored) && stored.type_class() != H5T_FLOAT) throw Failure("does not hold numbers");
  if (std::is_integral_v<T> && !holds_integers(stored)) throw Failure("holds fractions, not integers");
  require_plausible(stored, std::max(sizeof(T), H5Tget_size(stored.type)), file_bytes);
  std::vector<T> values(stored.size());
  if (!values.empty()) call(stored.read, stored.object, hdf5::native_type<T>(), values.data());
  return values;
}

std::string unpadded(const char* text, std::size_t length, H5T_str_t padding) {
  std::string result(text, length);
  if (padding == H5T_STR_NULLTERM) result.resize(std::min(result.size(), result.find('\0')));
  const char filler = padding == H5T_STR_SPACEPAD ? ' ' : '\0';
  while (!result.empty() && result.back() == filler) result.pop_back();
  return result;
}

std::vector<std::string> read_texts(const Stored& stored, std::uint64_t file_bytes) {
  if (stored.type_class() != H5T_STRING) throw Failure("does not hold text");
  const std::size_t count = stored.size();
  std::vector<std::string> texts;
  if (call(H5Tis_variable_str, stored.type) > 0) {
    require_plausible(stored, sizeof(char*), file_bytes);
    std::vector<char*> pointers(count, nullptr);
    if (count > 0) call(stored.read, stored.object, stored.type, pointers.data());
    for (const char* text : pointers) texts.emplace_back(text == nullptr ? "" : text);
    if (count > 0) call(H5Dvlen_reclaim, stored.type, stored.space, H5P_DEFAULT, pointers.data());
  } else {
    const std::size_t width = H5Tget_size(stored.type);
    require_plausible(stored, width, file_bytes);
    const H5T_str_t padding = H5Tget_strpad(stored.type);
    std::vector<char> characters(count * width);
    if (count > 0) call(stored.read, stored.object, stored.type, characters.data());
    for (std::size_t i = 0; i < count; ++i)
      texts.push_back(unpadded(characters.data() + i * width, width, padding));
  }
  return texts;
}

// Attributes are converted by the library without a chance to refuse; only uint64 can fail to fit an int64.
void require_fitting(const Stored& stored) {
  if (stored.type_class() != H5T_INTEGER || H5Tget_size(stored.type) < 8 ||
      H5Tget_sign(stored.type) != H5T_SGN_NONE)
    return;
  std::vector<std::uint64_t> values(stored.size());
  if (!values.empty()) call(stored.read, stored.object, H5T_NATIVE_UINT64, values.data());
  if (std::ranges::any_of(values, [](std::uint64_t value) { return value >> 63 != 0; }))
    throw Failure("holds a number beyond the range of int64");
}

template <class T>
Attribute scalar_or_vector(const Stored& stored, std::vector<T> values) {
  if (stored.is_scalar() && values.size() == 1) return std::move(values.front());
  return values;
}

template <class T>
T expect(const Hdf5File& file, const std::string& object, const std::string& name) {
  Attribute attribute = file.attribute(object, name);
  if (T* value = std::get_if<T>(&attribute)) return std::move(*value);
  throw InputError("{}: '{}': is of type {}, not {}; {}", file.name(), place_of(object, name),
                   type_name(attribute), type_name(Attribute(T())), kWrongFile);
}

// Refuses what cannot be a whole HDF5 file before the library sees it.
void require_whole(const fs::path& path, std::uint64_t length) {
  Bytes beginning(std::min<std::uint64_t>(length, 64 * 1024));  // longer user blocks do not occur
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(beginning.data()), static_cast<std::streamsize>(beginning.size())))
    throw_file_error(path, "read", errno);
  const auto extent = hdf5_extent(beginning);
  if (!extent) throw InputError("{}: is not an HDF5 file (no HDF5 signature); {}", path.string(), kWrongFile);
  if (extent->end_of_file > length)
    throw InputError("{}: is truncated: {} bytes of {}; copy or make it again", path.string(), length,
                     extent->end_of_file);
}

}  // namespace

Hdf5File::Hdf5File(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
Hdf5File& Hdf5File::operator=(Hdf5File&&) noexcept = default;
Hdf5File::~Hdf5File() = default;

Hdf5File Hdf5File::open_readonly(const fs::path& path) {
  if (!file_exists(path)) throw_file_error(path, "read", ENOENT);
  if (fs::is_directory(path)) throw_file_error(path, "read", EISDIR);
  auto impl = std::make_unique<Impl>();
  impl->name = path.string();
  if (!is_plain_file(path)) throw InputError("{}: is no plain file; {}", path.string(), kWrongFile);
  impl->bytes = fs::file_size(path);
  require_whole(path, impl->bytes);
  at(impl->name, "", [&] {
    const Handle access = own(H5Pclose, H5Pcreate, H5P_FILE_ACCESS);
    // Files get their names when they are complete and never change, and network file systems may lack locks.
    call(H5Pset_file_locking, access, false, true);
    impl->file = own(H5Fclose, H5Fopen, path.c_str(), H5F_ACC_RDONLY, access);
  });
  return Hdf5File(std::move(impl));
}

Hdf5File Hdf5File::open_image(ByteView image, std::string name) {
  auto impl = std::make_unique<Impl>();
  impl->name = std::move(name);
  impl->bytes = image.size();
  const auto extent = hdf5_extent(image);
  if (!extent || extent->end_of_file > image.size())
    throw InputError("{}: is not a whole HDF5 file; make it again", impl->name);
  at(impl->name, "", [&] {
    const Handle access = own(H5Pclose, H5Pcreate, H5P_FILE_ACCESS);
    call(H5Pset_fapl_core, access, std::size_t{64 * 1024}, false);
    call(H5Pset_file_image, access, const_cast<std::byte*>(image.data()), image.size());
    impl->file = own(H5Fclose, H5Fopen, hdf5::memory_file_name().c_str(), H5F_ACC_RDONLY, access);
  });
  return Hdf5File(std::move(impl));
}

const std::string& Hdf5File::name() const {
  return impl_->name;
}

bool Hdf5File::exists(const std::string& path) const {
  return at(name(), path, [&] {
    // The library answers for one link at a time. Those that lead elsewhere are not followed.
    for (std::size_t end = 0; end != std::string::npos && !path.empty();) {
      end = path.find('/', end + 1);
      const std::string prefix = path.substr(0, end);
      hdf5::silence();
      H5L_info_t link;
      if (H5Lexists(impl_->file, prefix.c_str(), H5P_DEFAULT) <= 0 ||
          H5Lget_info(impl_->file, prefix.c_str(), &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD ||
          H5Oexists_by_name(impl_->file, prefix.c_str(), H5P_DEFAULT) <= 0)
        return false;
    }
    return true;
  });
}

std::uint64_t Hdf5File::address(const std::string& path) const {
  return at(name(), path, [&] {
    H5O_info_t info;
    call(H5Oget_info2, open_object(impl_->file, path), &info, unsigned{H5O_INFO_BASIC});
    return static_cast<std::uint64_t>(info.addr);
  });
}

bool Hdf5File::is_group(const std::string& path) const {
  return at(name(), path, [&] { return H5Iget_type(open_object(impl_->file, path)) == H5I_GROUP; });
}

std::vector<std::string> Hdf5File::children(const std::string& group) const {
  return at(name(), group, [&] {
    std::vector<std::string> names;
    const Handle object = open_object(impl_->file, group);
    if (H5Iget_type(object) != H5I_GROUP) throw Failure("is a dataset, not a group");
    const auto collect = [](hid_t, const char* child, const H5L_info_t*, void* out) -> herr_t {
      static_cast<std::vector<std::string>*>(out)->emplace_back(child);
      return 0;
    };
    call(H5Literate, object, H5_INDEX_NAME, H5_ITER_INC, nullptr, +collect, &names);
    return names;
  });
}

std::vector<std::uint64_t> Hdf5File::shape(const std::string& dataset) const {
  return at(name(), dataset, [&] {
    const Stored stored = stored_dataset(impl_->file, dataset);
    return extents(stored.space);
  });
}

template <Element T>
std::vector<T> Hdf5File::read(const std::string& dataset) const {
  return at(name(), dataset,
            [&] { return read_numbers<T>(stored_dataset(impl_->file, dataset), impl_->bytes); });
}

template std::vector<float> Hdf5File::read(const std::string&) const;
template std::vector<double> Hdf5File::read(const std::string&) const;
template std::vector<std::int32_t> Hdf5File::read(const std::string&) const;
template std::vector<std::int64_t> Hdf5File::read(const std::string&) const;
template std::vector<std::uint8_t> Hdf5File::read(const std::string&) const;

std::vector<std::string> Hdf5File::read_strings(const std::string& dataset) const {
  return at(name(), dataset, [&] { return read_texts(stored_dataset(impl_->file, dataset), impl_->bytes); });
}

Array Hdf5File::array(const std::string& dataset) const {
  return at(name(), dataset, [&]() -> Array {
    const Stored stored = stored_dataset(impl_->file, dataset);
    const auto read = [&]<class T>(T) -> Array {
      return {extents(stored.space), read_numbers<T>(stored, impl_->bytes)};
    };
    const auto is = [&](hid_t type) { return call(H5Tequal, stored.type, type) > 0; };
    if (is(H5T_NATIVE_FLOAT)) return read(float());
    if (is(H5T_NATIVE_DOUBLE)) return read(double());
    if (is(H5T_NATIVE_INT32)) return read(std::int32_t());
    if (is(H5T_NATIVE_INT64)) return read(std::int64_t());
    if (is(H5T_NATIVE_UINT8)) return read(std::uint8_t());
    throw Failure("is of an element type that records do not have");
  });
}

std::vector<std::string> Hdf5File::attribute_names(const std::string& object) const {
  return at(name(), object, [&] {
    std::vector<std::string> names;
    const auto collect = [](hid_t, const char* attribute, const H5A_info_t*, void* out) -> herr_t {
      static_cast<std::vector<std::string>*>(out)->emplace_back(attribute);
      return 0;
    };
    call(H5Aiterate2, open_object(impl_->file, object), H5_INDEX_NAME, H5_ITER_INC, nullptr, +collect,
         &names);
    return names;
  });
}

bool Hdf5File::has_attribute(const std::string& object, const std::string& name) const {
  if (!exists(object)) return false;
  return at(impl_->name, place_of(object, name),
            [&] { return call(H5Aexists, open_object(impl_->file, object), name.c_str()) > 0; });
}

Attribute Hdf5File::attribute(const std::string& object, const std::string& name) const {
  return at(impl_->name, place_of(object, name), [&]() -> Attribute {
    const Stored stored = stored_attribute(impl_->file, object, name);
    if (stored.type_class() == H5T_STRING) return scalar_or_vector(stored, read_texts(stored, impl_->bytes));
    if (stored.type_class() == H5T_FLOAT)
      return scalar_or_vector(stored, read_numbers<double>(stored, impl_->bytes));
    if (!holds_integers(stored)) throw Failure("is neither number nor text");
    require_fitting(stored);
    return scalar_or_vector(stored, read_numbers<std::int64_t>(stored, impl_->bytes));
  });
}

std::int64_t Hdf5File::attribute_int(const std::string& object, const std::string& name) const {
  return expect<std::int64_t>(*this, object, name);
}

double Hdf5File::attribute_double(const std::string& object, const std::string& name) const {
  const Attribute found = attribute(object, name);
  if (const auto* whole = std::get_if<std::int64_t>(&found)) return static_cast<double>(*whole);
  return expect<double>(*this, object, name);
}

std::string Hdf5File::attribute_string(const std::string& object, const std::string& name) const {
  return expect<std::string>(*this, object, name);
}

std::vector<std::int64_t> Hdf5File::attribute_ints(const std::string& object, const std::string& name) const {
  return expect<std::vector<std::int64_t>>(*this, object, name);
}

std::vector<double> Hdf5File::attribute_doubles(const std::string& object, const std::string& name) const {
  const Attribute found = attribute(object, name);
  if (const auto* whole = std::get_if<std::vector<std::int64_t>>(&found))
    return {whole->begin(), whole->end()};
  return expect<std::vector<double>>(*this, object, name);
}

std::vector<std::string> Hdf5File::attribute_strings(const std::string& object,
                                                     const std::string& name) const {
  return expect<std::vector<std::string>>(*this, object, name);
}

}  // namespace impsweep

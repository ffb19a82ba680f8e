#include "io/hdf5_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "io/hdf5_extent.hpp"
#include "io/hdf5_handle.hpp"

namespace impsweep {

using hdf5::call;
using hdf5::Failure;
using hdf5::Handle;
using hdf5::own;

constexpr unsigned kFastDeflate = 1, kSmallestDeflate = 9;

struct Hdf5Writer::Impl {
  std::size_t user_block_bytes = 0;
  unsigned deflate_level = kFastDeflate;
  Handle file, group_creation, link_creation, attribute_creation;
  std::set<std::string> groups = {""};
};

namespace {

constexpr std::uint64_t kSmallArrayBytes = 4096;  // up to here a chunk index costs more than deflating saves
constexpr std::uint64_t kChunkBytes = 1024 * 1024;  // the library's chunk cache holds one such chunk
constexpr std::size_t kMemoryStepBytes = 256 * 1024;
constexpr unsigned kSmallChunkIndex = 4;       // half the entries of a node; 32 make 2 KB for each array
constexpr std::uint64_t kRowsPerChunk = 1024;  // of growing tables
constexpr std::size_t kTextGrain = 16;         // their texts are as wide as a multiple of this

// Runs `body`. What the library complains about while it builds a file in memory is a mistake of the caller.
template <class Body>
auto at(const std::string& place, const Body& body) {
  try {
    return body();
  } catch (const Failure& failure) {
    throw std::invalid_argument(fmt::format("HDF5 object '{}': {}", place, failure.what()));
  }
}

// Groups of the newer kind hold attributes of any size; they are made by tracking the order of creation. Few
// members are kept compactly.
void configure_group(hid_t properties) {
  call(H5Pset_obj_track_times, properties, false);
  call(H5Pset_link_creation_order, properties, unsigned{H5P_CRT_ORDER_TRACKED});
  call(H5Pset_attr_creation_order, properties, unsigned{H5P_CRT_ORDER_TRACKED});
  call(H5Pset_link_phase_change, properties, 64U, 48U);
  call(H5Pset_attr_phase_change, properties, 1024U, 1000U);
}

Handle text_type(std::size_t bytes) {
  Handle type = own(H5Tclose, H5Tcopy, H5T_C_S1);
  call(H5Tset_size, type, std::max<std::size_t>(1, bytes));
  call(H5Tset_strpad, type, H5T_STR_NULLPAD);
  call(H5Tset_cset, type, H5T_CSET_UTF8);
  return type;
}

std::size_t longest(const std::vector<std::string>& texts) {
  std::size_t bytes = 1;
  for (const std::string& text : texts) {
    if (text.find('\0') != std::string::npos) throw Failure("a text must not contain NUL");
    bytes = std::max(bytes, text.size());
  }
  return bytes;
}

// Copies texts into cells of `width` bytes, `stride` bytes apart, padded with NUL.
void fill_cells(const std::vector<std::string>& texts, char* cells, std::size_t stride) {
  for (const std::string& text : texts) {
    std::copy(text.begin(), text.end(), cells);
    cells += stride;
  }
}

template <class T>
hid_t file_type() {
  if constexpr (std::is_same_v<T, float>) return H5T_IEEE_F32LE;
  if constexpr (std::is_same_v<T, double>) return H5T_IEEE_F64LE;
  if constexpr (std::is_same_v<T, std::int32_t>) return H5T_STD_I32LE;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_STD_I64LE;
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_STD_U8LE;
}

Handle scalar_space() {
  return own(H5Sclose, H5Screate, H5S_SCALAR);
}
Handle simple_space(const std::vector<hsize_t>& shape) {
  if (shape.empty()) return scalar_space();
  return own(H5Sclose, H5Screate_simple, static_cast<int>(shape.size()), shape.data(), nullptr);
}

Handle dataset_creation(std::vector<hsize_t> shape, std::uint64_t element_bytes, unsigned deflate_level) {
  Handle properties = own(H5Pclose, H5Pcreate, H5P_DATASET_CREATE);
  call(H5Pset_obj_track_times, properties, false);
  std::uint64_t bytes = element_bytes;
  for (const hsize_t extent : shape) bytes *= extent;
  if (bytes <= kSmallArrayBytes || shape.empty()) return properties;
  for (auto extent = shape.begin(); bytes > kChunkBytes && extent != shape.end();) {
    if (*extent == 1) {
      ++extent;
    } else {
      bytes -= bytes / *extent * (*extent / 2);
      *extent -= *extent / 2;
    }
  }
  call(H5Pset_chunk, properties, static_cast<int>(shape.size()), shape.data());
  call(H5Pset_shuffle, properties);
  call(H5Pset_deflate, properties, deflate_level);
  return properties;
}

// One attribute; `object` is open.
class AttributeWriter {
 public:
  AttributeWriter(hid_t object, const char* name, hid_t creation)
      : object_(object), name_(name), creation_(creation) {}

  void operator()(std::int64_t value) const {
    write(H5T_STD_I64LE, H5T_NATIVE_INT64, scalar_space(), &value);
  }
  void operator()(double value) const { write(H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, scalar_space(), &value); }
  void operator()(const std::string& text) const {
    const Handle type = text_type(longest({text}));
    const std::string cell = text.empty() ? std::string(1, '\0') : text;
    write(type, type, scalar_space(), cell.data());
  }
  template <class T>
  void operator()(const std::vector<T>& values) const {
    write(file_type<T>(), hdf5::native_type<T>(), simple_space({values.size()}), values.data());
  }
  void operator()(const std::vector<std::string>& texts) const {
    const std::size_t width = longest(texts);
    std::vector<char> cells(texts.size() * width);
    fill_cells(texts, cells.data(), width);
    const Handle type = text_type(width);
    write(type, type, simple_space({texts.size()}), cells.data());
  }

 private:
  void write(hid_t type, hid_t memory_type, const Handle& space, const void* values) const {
    const Handle attribute = own(H5Aclose, H5Acreate2, object_, name_, type, space, creation_, H5P_DEFAULT);
    if (call(H5Sget_simple_extent_npoints, space) > 0) call(H5Awrite, attribute, memory_type, values);
  }

  hid_t object_;
  const char* name_;
  hid_t creation_;
};

// How a column lies in the packed rows of a table.
struct Member {
  Handle type;
  std::size_t offset = 0, bytes = 0;
};

// Texts are as wide as the longest, rounded up to a multiple of `grain`.
Member member_of(const Column& column, std::size_t offset, std::size_t grain) {
  if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) {
    const std::size_t width = (longest(*texts) + grain - 1) / grain * grain;
    return {text_type(width), offset, width};
  }
  const bool whole = std::holds_alternative<std::vector<std::int64_t>>(column.values);
  return {own(H5Tclose, H5Tcopy, whole ? H5T_STD_I64LE : H5T_IEEE_F64LE), offset, 8};
}

void fill_column(const Column& column, char* cell, std::size_t row_bytes) {
  const auto fill = [&]<class T>(const std::vector<T>& values) {
    if constexpr (std::is_same_v<T, std::string>) {
      fill_cells(values, cell, row_bytes);
    } else {
      for (std::size_t row = 0; row < values.size(); ++row)
        std::copy_n(reinterpret_cast<const char*>(&values[row]), sizeof(T), cell + row * row_bytes);
    }
  };
  std::visit(fill, column.values);
}

// The rows of a table as they lie in its file, and their type.
struct PackedRows {
  Handle type;
  std::size_t row_bytes = 0;
  std::vector<char> cells;
};

PackedRows pack_rows(const Table& table, std::size_t text_grain) {
  if (table.columns.empty()) throw Failure("a table needs at least one column");
  PackedRows rows;
  std::vector<Member> members;
  for (const Column& column : table.columns) {
    members.push_back(member_of(column, rows.row_bytes, text_grain));
    rows.row_bytes += members.back().bytes;
  }
  rows.type = own(H5Tclose, H5Tcreate, H5T_COMPOUND, rows.row_bytes);
  rows.cells.resize(table.rows() * rows.row_bytes);
  for (std::size_t c = 0; c < members.size(); ++c) {
    call(H5Tinsert, rows.type, table.columns[c].name.c_str(), members[c].offset, members[c].type);
    if (!rows.cells.empty())
      fill_column(table.columns[c], rows.cells.data() + members[c].offset, rows.row_bytes);
  }
  return rows;
}

void write_rows(hid_t dataset, const PackedRows& rows, hsize_t first, hsize_t count) {
  if (count == 0) return;
  const Handle space = own(H5Sclose, H5Dget_space, dataset);
  call(H5Sselect_hyperslab, space, H5S_SELECT_SET, &first, nullptr, &count, nullptr);
  call(H5Dwrite, dataset, rows.type, simple_space({count}), space, H5P_DEFAULT, rows.cells.data());
}

// "a/b/c" -> "a/b", "c" -> "".
std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

void require_path(const std::string& path) {
  if (path.empty() || path.front() == '/' || path.back() == '/' || path.find("//") != std::string::npos ||
      path.find('\0') != std::string::npos || ("/" + path + "/").find("/./") != std::string::npos)
    throw Failure("is not a path of the form 'group/name'");
}

}  // namespace

Hdf5Writer::Hdf5Writer(std::size_t user_block_bytes, Effort effort) : impl_(std::make_unique<Impl>()) {
  at("", [&] {
    impl_->user_block_bytes = user_block_bytes;
    impl_->deflate_level = effort == Effort::kSmallest ? kSmallestDeflate : kFastDeflate;
    impl_->group_creation = own(H5Pclose, H5Pcreate, H5P_GROUP_CREATE);
    configure_group(impl_->group_creation);
    impl_->link_creation = own(H5Pclose, H5Pcreate, H5P_LINK_CREATE);
    call(H5Pset_char_encoding, impl_->link_creation, H5T_CSET_UTF8);
    impl_->attribute_creation = own(H5Pclose, H5Pcreate, H5P_ATTRIBUTE_CREATE);
    call(H5Pset_char_encoding, impl_->attribute_creation, H5T_CSET_UTF8);
    const Handle access = own(H5Pclose, H5Pcreate, H5P_FILE_ACCESS);
    call(H5Pset_fapl_core, access, kMemoryStepBytes, false);
    // Stated, because later libraries have other defaults, and would write other bytes.
    call(H5Pset_libver_bounds, access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V110);
    const Handle creation = own(H5Pclose, H5Pcreate, H5P_FILE_CREATE);
    call(H5Pset_userblock, creation, user_block_bytes);
    configure_group(creation);
    if (effort == Effort::kSmallest) call(H5Pset_istore_k, creation, kSmallChunkIndex);
    impl_->file = own(H5Fclose, H5Fcreate, hdf5::memory_file_name().c_str(), H5F_ACC_TRUNC, creation, access);
  });
}

Hdf5Writer::Hdf5Writer(Hdf5Writer&&) noexcept = default;
Hdf5Writer& Hdf5Writer::operator=(Hdf5Writer&&) noexcept = default;
Hdf5Writer::~Hdf5Writer() = default;

void Hdf5Writer::group(const std::string& path) {
  if (impl_->groups.contains(path)) return;
  at(path, [&] {
    require_path(path);
    group(parent_of(path));
    own(H5Gclose, H5Gcreate2, impl_->file, path.c_str(), impl_->link_creation, impl_->group_creation,
        H5P_DEFAULT);
  });
  impl_->groups.insert(path);
}

void Hdf5Writer::attribute(const std::string& object, const std::string& name, const Attribute& value) {
  at(object + "@" + name, [&] {
    if (name.empty() || name.find('\0') != std::string::npos) throw Failure("is not a name");
    hdf5::silence();
    if (object.empty() || H5Lexists(impl_->file, object.c_str(), H5P_DEFAULT) <= 0) group(object);
    const Handle open =
        own(H5Oclose, H5Oopen, impl_->file, object.empty() ? "/" : object.c_str(), H5P_DEFAULT);
    std::visit(AttributeWriter(open, name.c_str(), impl_->attribute_creation), value);
  });
}

void Hdf5Writer::array(const std::string& path, const Array& array) {
  at(path, [&] {
    require_path(path);
    group(parent_of(path));
    std::uint64_t count = 1;
    for (const std::uint64_t extent : array.shape) count *= extent;
    const auto write = [&]<class T>(const std::vector<T>& values) {
      if (values.size() != count)
        throw Failure(fmt::format("{} values do not fill {}", values.size(), type_name(array)));
      const std::vector<hsize_t> shape(array.shape.begin(), array.shape.end());
      const Handle dataset =
          own(H5Dclose, H5Dcreate2, impl_->file, path.c_str(), file_type<T>(), simple_space(shape),
              impl_->link_creation, dataset_creation(shape, sizeof(T), impl_->deflate_level), H5P_DEFAULT);
      if (count > 0)
        call(H5Dwrite, dataset, hdf5::native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    };
    std::visit(write, array.values);
  });
}

void Hdf5Writer::table(const std::string& path, const Table& table) {
  at(path, [&] {
    require_path(path);
    group(parent_of(path));
    const PackedRows rows = pack_rows(table, 1);
    const std::vector<hsize_t> shape = {table.rows()};
    const Handle dataset =
        own(H5Dclose, H5Dcreate2, impl_->file, path.c_str(), rows.type, simple_space(shape),
            impl_->link_creation, dataset_creation(shape, rows.row_bytes, impl_->deflate_level), H5P_DEFAULT);
    write_rows(dataset, rows, 0, table.rows());
  });
}

void Hdf5Writer::growing_table(const std::string& path, const Table& table) {
  at(path, [&] {
    require_path(path);
    group(parent_of(path));
    const PackedRows rows = pack_rows(table, kTextGrain);
    const hsize_t count = table.rows(), unlimited = H5S_UNLIMITED;
    const Handle space = own(H5Sclose, H5Screate_simple, 1, &count, &unlimited);
    const Handle creation =
        dataset_creation({kRowsPerChunk}, std::max<std::size_t>(rows.row_bytes, 8), impl_->deflate_level);
    const Handle dataset = own(H5Dclose, H5Dcreate2, impl_->file, path.c_str(), rows.type, space,
                               impl_->link_creation, creation, H5P_DEFAULT);
    write_rows(dataset, rows, 0, count);
  });
}

bool Hdf5Writer::append_rows(const std::string& path, const Table& table) {
  return at(path, [&] {
    const PackedRows rows = pack_rows(table, 1);
    const Handle dataset = own(H5Dclose, H5Dopen2, impl_->file, path.c_str(), H5P_DEFAULT);
    const Handle type = own(H5Tclose, H5Dget_type, dataset);
    if (call(H5Tget_nmembers, type) != static_cast<int>(table.columns.size()))
      throw Failure("the new rows have other columns");
    for (unsigned c = 0; c < table.columns.size(); ++c) {
      const Handle ours = own(H5Tclose, H5Tget_member_type, rows.type, c);
      const Handle theirs = own(H5Tclose, H5Tget_member_type, type, c);
      if (H5Tget_size(ours) > H5Tget_size(theirs)) return false;
    }
    const Handle space = own(H5Sclose, H5Dget_space, dataset);
    const auto before = static_cast<hsize_t>(call(H5Sget_simple_extent_npoints, space));
    const hsize_t after = before + table.rows();
    call(H5Dset_extent, dataset, &after);
    write_rows(dataset, rows, before, table.rows());
    return true;
  });
}

void Hdf5Writer::link(const std::string& path, const std::string& existing) {
  at(path, [&] {
    require_path(path);
    group(parent_of(path));
    call(H5Lcreate_hard, impl_->file, existing.c_str(), impl_->file, path.c_str(), impl_->link_creation,
         H5P_DEFAULT);
  });
}

void Hdf5Writer::external_link(const std::string& path, const std::string& file, const std::string& object) {
  at(path, [&] {
    require_path(path);
    group(parent_of(path));
    call(H5Lcreate_external, file.c_str(), object.c_str(), impl_->file, path.c_str(), impl_->link_creation,
         H5P_DEFAULT);
  });
}

Bytes Hdf5Writer::image() {
  return at("", [&] {
    call(H5Fflush, impl_->file, H5F_SCOPE_GLOBAL);
    const ssize_t length = call(H5Fget_file_image, impl_->file, nullptr, std::size_t{0});
    // The library hands out what follows the user block.
    Bytes bytes(impl_->user_block_bytes + static_cast<std::size_t>(length));
    call(H5Fget_file_image, impl_->file, bytes.data() + impl_->user_block_bytes,
         static_cast<std::size_t>(length));
    const auto extent = hdf5_extent(bytes);
    if (!extent || extent->superblock != impl_->user_block_bytes || extent->end_of_file != bytes.size())
      throw std::logic_error("this HDF5 library builds images of another form than expected");
    return bytes;
  });
}

}  // namespace impsweep

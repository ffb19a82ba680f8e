#include "io/record_columns.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <tuple>

#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr std::size_t kMostRecords = 100'000'000;

// The values of all columns, by their type.
struct Pools {
  std::vector<double> float64;
  std::vector<float> float32;
  std::vector<std::int64_t> int64;
  std::vector<std::int32_t> int32;
  std::vector<std::uint8_t> uint8;

  template <class Self, class Visit>
  static void visit(Self& self, Visit visit) {
    visit("float64", self.float64);
    visit("float32", self.float32);
    visit("int64", self.int64);
    visit("int32", self.int32);
    visit("uint8", self.uint8);
  }
  template <class T>
  std::vector<T>& of() {
    if constexpr (std::is_same_v<T, double>) return float64;
    if constexpr (std::is_same_v<T, float>) return float32;
    if constexpr (std::is_same_v<T, std::int64_t>) return int64;
    if constexpr (std::is_same_v<T, std::int32_t>) return int32;
    if constexpr (std::is_same_v<T, std::uint8_t>) return uint8;
  }
};

template <class T>
std::string_view array_type() {
  if constexpr (std::is_same_v<T, double>) return "float64";
  if constexpr (std::is_same_v<T, float>) return "float32";
  if constexpr (std::is_same_v<T, std::int64_t>) return "int64";
  if constexpr (std::is_same_v<T, std::int32_t>) return "int32";
  if constexpr (std::is_same_v<T, std::uint8_t>) return "uint8";
}

std::string_view array_type(const Array& array) {
  return std::visit([]<class T>(const std::vector<T>&) { return array_type<T>(); }, array.values);
}

// ---- arrays that follow from another

constexpr std::string_view kMeans = "means of ", kDeviations = "deviations of ";

struct Row {
  double mean, deviation;
};

Row row_of(std::span<const float> values) {
  double sum = 0, squares = 0, count = 0;
  for (const float value : values)
    if (!std::isnan(value)) sum += value, ++count;
  const double mean = sum / count;  // NaN of nothing
  for (const float value : values)
    if (!std::isnan(value)) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / count)};
}

// One of nothing may claim any number of rows.
bool is_matrix(const Array& array) {
  return array.shape.size() == 2 && array.shape[1] > 0 &&
         std::holds_alternative<std::vector<float>>(array.values);
}

// Means or deviations, as the type says, of the rows of a matrix.
std::vector<double> follow(std::string_view type, const Array& matrix) {
  const auto& values = std::get<std::vector<float>>(matrix.values);
  const std::size_t rows = matrix.shape[0], columns = matrix.shape[1];
  std::vector<double> result;
  for (std::size_t row = 0; row < rows; ++row) {
    const Row facts = row_of(std::span(values).subspan(row * columns, columns));
    result.push_back(type.starts_with(kMeans) ? facts.mean : facts.deviation);
  }
  return result;
}

bool equal_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

// The type of an array: its own, or what it follows from.
std::string column_type(const Record& record, const std::string& path, const Array& array) {
  const auto* values = std::get_if<std::vector<double>>(&array.values);
  if (values == nullptr || values->empty() || array.shape.size() != 1) return std::string(array_type(array));
  const std::string group = path.substr(0, path.rfind('/') + 1);
  for (auto other = record.arrays.lower_bound(group);
       other != record.arrays.end() && other->first.starts_with(group); ++other) {
    if (!is_matrix(other->second) || other->second.shape[0] != values->size()) continue;
    for (const std::string_view kind : {kMeans, kDeviations})
      if (equal_bits(follow(kind, other->second), *values)) return std::string(kind) + other->first;
  }
  return std::string(array_type(array));
}

bool follows(std::string_view type) {
  return type.starts_with(kMeans) || type.starts_with(kDeviations);
}

// ---- writing

// Place, type and number of extents.
using ColumnKey = std::tuple<std::string, std::string, std::int64_t>;

ColumnKey key_of(const std::string& group, const std::string& name, const Attribute& attribute) {
  return {group + "@" + name, std::string(type_name(attribute)), 1};
}

// Appends to the pools what a record has in one column.
class ColumnWriter {
 public:
  ColumnWriter(std::vector<std::int64_t>& extents, Pools& pools) : extents_(extents), pools_(pools) {}

  void absent(std::int64_t rank) {
    extents_.push_back(-1);
    extents_.insert(extents_.end(), static_cast<std::size_t>(std::max<std::int64_t>(rank, 1) - 1), 0);
  }
  void array(const Array& array) {
    if (array.shape.empty()) extents_.push_back(1);
    for (const std::uint64_t extent : array.shape) extents_.push_back(static_cast<std::int64_t>(extent));
    std::visit([&](const auto& values) { append(values); }, array.values);
  }
  void attribute(const Attribute& attribute) {
    std::visit([&](const auto& value) { put(value); }, attribute);
  }

 private:
  template <class T>
  void append(const std::vector<T>& values) {
    std::vector<T>& pool = pools_.of<T>();
    pool.insert(pool.end(), values.begin(), values.end());
  }
  void append_text(const std::string& text) {
    pools_.uint8.insert(pools_.uint8.end(), text.begin(), text.end());
  }

  void put(std::int64_t value) { put(std::vector{value}); }
  void put(double value) { put(std::vector{value}); }
  void put(const std::string& text) {
    extents_.push_back(std::ssize(text));
    append_text(text);
  }
  void put(const std::vector<std::string>& texts) {
    const std::size_t before = pools_.uint8.size();
    for (const std::string& text : texts) {
      append_text(text);
      pools_.uint8.push_back(0);
    }
    extents_.push_back(static_cast<std::int64_t>(pools_.uint8.size() - before));
  }
  template <class T>
  void put(const std::vector<T>& values) {
    extents_.push_back(std::ssize(values));
    append(values);
  }

  std::vector<std::int64_t>& extents_;
  Pools& pools_;
};

}  // namespace

void write_record_columns(Hdf5Writer& writer, const std::string& group, std::span<const Record> records) {
  std::set<ColumnKey> found;
  std::vector<std::map<std::string, ColumnKey>> keys_of_arrays;  // of each record, by path
  for (const Record& record : records) {
    for (const auto& [owner, attributes] : record.attributes)
      for (const auto& [name, attribute] : attributes) found.insert(key_of(owner, name, attribute));
    auto& keys = keys_of_arrays.emplace_back();
    for (const auto& [path, array] : record.arrays)
      found.insert(keys[path] = {path, column_type(record, path, array), std::ssize(array.shape)});
  }
  std::vector<std::string> places, types;
  std::vector<std::int64_t> ranks, extents;
  Pools pools;
  ColumnWriter column(extents, pools);
  for (const ColumnKey& key : found) {
    const auto& [place, type, rank] = key;
    places.push_back(place);
    types.push_back(type);
    ranks.push_back(rank);
    const std::size_t at = place.rfind('@');
    for (std::size_t r = 0; r < records.size(); ++r) {
      const Record& record = records[r];
      if (at == std::string::npos) {
        const auto own = keys_of_arrays[r].find(place);
        if (own == keys_of_arrays[r].end() || own->second != key)
          column.absent(rank);
        else if (follows(type))
          column.array(Array::vector(std::vector<double>()));
        else
          column.array(record.arrays.at(place));
        continue;
      }
      const std::string owner = place.substr(0, at), name = place.substr(at + 1);
      const auto attributes = record.attributes.find(owner);
      const Attribute* attribute = nullptr;
      if (attributes != record.attributes.end())
        if (const auto value = attributes->second.find(name); value != attributes->second.end())
          attribute = &value->second;
      if (attribute != nullptr && key_of(owner, name, *attribute) == key)
        column.attribute(*attribute);
      else
        column.absent(rank);
    }
  }
  writer.attribute(group, "count", static_cast<std::int64_t>(records.size()));
  writer.attribute(group, "places", places);
  writer.attribute(group, "types", types);
  writer.attribute(group, "ranks", ranks);
  writer.array(group + "/extents", Array::vector(std::move(extents)));
  Pools::visit(pools, [&](const char* name, auto& values) {
    writer.array(fmt::format("{}/{}", group, name), Array::vector(std::move(values)));
  });
}

namespace {

// What one column holds of one record.
struct Cell {
  const std::int64_t* extents = nullptr;  // null: nothing
  std::size_t first = 0, count = 0;       // in the pool
};

struct ReadColumn {
  std::string place, type;
  std::size_t rank = 1;
  std::vector<Cell> cells;  // of each record
};

bool is_text(const std::string& type) {
  return type == "text" || type == "texts";
}

}  // namespace

struct RecordColumns::Impl {
  std::string name;
  std::size_t count = 0;
  std::vector<std::int64_t> extents;
  Pools pools;
  std::vector<ReadColumn> columns;

  [[noreturn]] void refuse() const {
    throw InputError("{}: its columns of results do not fit together; restore a copy", name);
  }

  // How many values of this type have been taken so far, and how many there are.
  struct Cursor {
    std::size_t next = 0, size = 0;
  };

  Cursor& cursor(std::map<std::string, Cursor>& cursors, const std::string& type) const {
    std::string pool = type;
    if (type == "integer" || type == "integers") pool = "int64";
    if (type == "number" || type == "numbers") pool = "float64";
    if (is_text(type)) pool = "uint8";
    if (follows(type)) pool = "float64";
    const auto found = cursors.find(pool);
    if (found == cursors.end()) refuse();
    return found->second;
  }

  void place_cells() {
    std::map<std::string, Cursor> cursors;
    Pools::visit(pools, [&](const char* type, const auto& values) { cursors[type] = {0, values.size()}; });
    std::size_t next_extent = 0;
    for (ReadColumn& column : columns) {
      Cursor& values = cursor(cursors, column.type);
      const std::size_t axes = std::max<std::size_t>(column.rank, 1);
      if (axes > (extents.size() - next_extent) / std::max<std::size_t>(count, 1)) refuse();
      column.cells.resize(count);
      for (Cell& cell : column.cells) {
        const std::int64_t* const extent = extents.data() + next_extent;
        next_extent += axes;
        if (*extent == -1) continue;
        const std::size_t left = values.size - values.next;
        std::size_t size =
            std::count(extent, extent + axes, 0) > 0 ? 0 : 1;  // of nothing, other axes may be long
        for (std::size_t axis = 0; axis < axes; ++axis) {
          if (extent[axis] < 0 || (size > 0 && static_cast<std::size_t>(extent[axis]) > left / size))
            refuse();
          size *= static_cast<std::size_t>(extent[axis]);
        }
        cell = {extent, values.next, size};
        values.next += size;
      }
    }
  }

  template <class T>
  std::vector<T> slice(const std::vector<T>& pool, const Cell& cell) const {
    const auto first = pool.begin() + static_cast<std::ptrdiff_t>(cell.first);
    return {first, first + static_cast<std::ptrdiff_t>(cell.count)};
  }
  std::string text(const Cell& cell) const {
    const std::vector<std::uint8_t> bytes = slice(pools.uint8, cell);
    return {bytes.begin(), bytes.end()};
  }

  Attribute attribute(const ReadColumn& column, const Cell& cell) const {
    if (column.type == "text") return text(cell);
    if (column.type == "integers") return slice(pools.int64, cell);
    if (column.type == "numbers") return slice(pools.float64, cell);
    if (column.type == "texts") {
      std::vector<std::string> texts;
      const std::string all = text(cell);
      for (std::size_t begin = 0; begin < all.size();) {
        const std::size_t end = all.find('\0', begin);
        if (end == std::string::npos) refuse();
        texts.push_back(all.substr(begin, end - begin));
        begin = end + 1;
      }
      return texts;
    }
    if (cell.count != 1) refuse();
    if (column.type == "integer") return pools.int64[cell.first];
    if (column.type == "number") return pools.float64[cell.first];
    refuse();
  }

  Array following(const ReadColumn& column, const Cell& cell, const Record& record) const {
    const auto matrix = record.arrays.find(column.type.substr(column.type.find(" of ") + 4));
    if (cell.count != 0 || column.rank != 1 || matrix == record.arrays.end() || !is_matrix(matrix->second))
      refuse();
    return Array::vector(follow(column.type, matrix->second));
  }

  Array array(const ReadColumn& column, const Cell& cell) const {
    Array array;
    if (column.rank == 0 && cell.count != 1) refuse();
    for (std::size_t axis = 0; axis < column.rank; ++axis)
      array.shape.push_back(static_cast<std::uint64_t>(cell.extents[axis]));
    bool known = false;
    Pools::visit(pools, [&](const char* type, const auto& pool) {
      if (column.type != type) return;
      array.values = slice(pool, cell);
      known = true;
    });
    if (!known) refuse();
    return array;
  }
};

RecordColumns::RecordColumns(const Hdf5File& file, const std::string& group)
    : impl_(std::make_unique<Impl>()) {
  impl_->name = file.name();
  const std::int64_t count = file.attribute_int(group, "count");
  const std::vector<std::string> places = file.attribute_strings(group, "places"),
                                 types = file.attribute_strings(group, "types");
  const std::vector<std::int64_t> ranks = file.attribute_ints(group, "ranks");
  if (count < 0 || static_cast<std::size_t>(count) > kMostRecords || places.size() != types.size() ||
      places.size() != ranks.size())
    impl_->refuse();
  impl_->count = static_cast<std::size_t>(count);
  impl_->extents = file.read<std::int64_t>(group + "/extents");
  Pools::visit(impl_->pools, [&]<class T>(const char* type, std::vector<T>& values) {
    values = file.read<T>(fmt::format("{}/{}", group, type));
  });
  for (std::size_t c = 0; c < places.size(); ++c) {
    if (ranks[c] < 0 || ranks[c] > 8) impl_->refuse();
    impl_->columns.push_back({places[c], types[c], static_cast<std::size_t>(ranks[c]), {}});
  }
  impl_->place_cells();
}

RecordColumns::RecordColumns(RecordColumns&&) noexcept = default;
RecordColumns::~RecordColumns() = default;

std::size_t RecordColumns::size() const {
  return impl_->count;
}

Record RecordColumns::record(std::size_t index) const {
  Record record;
  record.origin = impl_->name;
  for (const ReadColumn& column : impl_->columns) {
    const Cell& cell = column.cells.at(index);
    if (cell.extents == nullptr) continue;
    const std::size_t at = column.place.rfind('@');
    if (follows(column.type)) continue;
    if (at == std::string::npos)
      record.arrays[column.place] = impl_->array(column, cell);
    else
      record.attributes[column.place.substr(0, at)][column.place.substr(at + 1)] =
          impl_->attribute(column, cell);
  }
  for (const ReadColumn& column : impl_->columns)
    if (const Cell& cell = column.cells.at(index); cell.extents != nullptr && follows(column.type))
      record.arrays[column.place] = impl_->following(column, cell, record);
  return record;
}

}  // namespace impsweep

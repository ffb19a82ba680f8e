#include "record_form.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

namespace impsweep::fuzz {
namespace {

constexpr unsigned kKinds = 11, kFirstArray = 6;
constexpr std::size_t kMostRank = 4;

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool at_end() const { return bytes_.empty(); }

  // What is missing at the end is 0.
  template <class T>
  T number() {
    T value{};
    const std::size_t size = std::min(sizeof value, bytes_.size());
    std::memcpy(&value, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return value;
  }
  std::string text(std::size_t length) {
    const std::size_t size = std::min(length, bytes_.size());
    std::string text(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    std::erase(text, '\0');  // which no text of a record has
    return text;
  }
  std::string name() { return text(number<std::uint8_t>()); }
  std::size_t count(std::size_t element_bytes) {
    return std::min<std::size_t>(number<std::uint32_t>(), bytes_.size() / element_bytes);
  }
  template <class T>
  std::vector<T> numbers() {
    std::vector<T> values(count(sizeof(T)));
    for (T& value : values) value = number<T>();
    return values;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> values(count(1));
    for (std::string& value : values) value = name();
    return values;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

Attribute attribute(Input& input, unsigned kind) {
  switch (kind) {
    case 0:
      return input.number<std::int64_t>();
    case 1:
      return input.number<double>();
    case 2:
      return input.text(input.count(1));
    case 3:
      return input.numbers<std::int64_t>();
    case 4:
      return input.numbers<double>();
    default:
      return input.texts();
  }
}

Array array(Input& input, unsigned kind) {
  Array array;
  array.shape.resize(input.number<std::uint8_t>() % (kMostRank + 1));
  for (std::uint64_t& extent : array.shape) extent = input.number<std::uint32_t>();
  switch (kind - kFirstArray) {
    case 0:
      array.values = input.numbers<float>();
      break;
    case 1:
      array.values = input.numbers<double>();
      break;
    case 2:
      array.values = input.numbers<std::int32_t>();
      break;
    case 3:
      array.values = input.numbers<std::int64_t>();
      break;
    default:
      array.values = input.numbers<std::uint8_t>();
  }
  const std::uint64_t size = std::visit([](const auto& values) { return values.size(); }, array.values);
  std::uint64_t product = 1;
  for (const std::uint64_t extent : array.shape)
    product = extent == 0 || product <= size ? product * extent : product;
  if (product != size) array.shape = {size};
  return array;
}

}  // namespace

Record record_of(std::span<const std::uint8_t> bytes) {
  Record record;
  for (Input input(bytes); !input.at_end();) {
    const unsigned kind = input.number<std::uint8_t>() % kKinds;
    const std::string path = input.name();
    if (kind < kFirstArray) {
      const std::string name = input.name();
      record.attributes[path][name] = attribute(input, kind);
    } else {
      record.arrays[path] = array(input, kind);
    }
  }
  record.origin = "input";
  return record;
}

std::filesystem::path scratch_path(const std::string& name) {
  const std::filesystem::path memory = "/dev/shm";
  const bool is_there = ::access(memory.c_str(), W_OK) == 0;
  return (is_there ? memory : std::filesystem::temp_directory_path()) /
         fmt::format("impsweep-fuzz-{}-{}", ::getpid(), name);
}

void spill(const std::filesystem::path& path, ByteView bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
}

}  // namespace impsweep::fuzz

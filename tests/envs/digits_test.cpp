#include "envs/digits.hpp"

#include <doctest/doctest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

using namespace impsweep;
namespace fs = std::filesystem;

namespace {

struct ScratchDirectory {
  fs::path path = fs::temp_directory_path() / ("impsweep-digits-" + std::to_string(::getpid()));
  ScratchDirectory() { fs::create_directories(path); }
  ~ScratchDirectory() { fs::remove_all(path); }
};

// An IDX file of unsigned bytes.
std::string idx(const std::vector<std::uint8_t>& shape, const std::string& elements) {
  std::string bytes = {0, 0, 8, static_cast<char>(shape.size())};
  for (const std::uint8_t extent : shape) bytes += std::string(3, '\0') + static_cast<char>(extent);
  return bytes + elements;
}

void write(const fs::path& path, const std::string& bytes) {
  if (path.extension() == ".gz") {
    const gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
  } else {
    std::ofstream(path, std::ios::binary) << bytes;
  }
}

// Three images of 2 x 2 for training, one for the test; compressed and plain files side by side.
void write_digits(const fs::path& directory) {
  write(directory / "train-images-idx3-ubyte.gz",
        idx({3, 2, 2}, std::string("\x00\x01\x02\x03\x10\x11\x12\x13\xff\x00\xff\x33", 12)));
  write(directory / "train-labels-idx1-ubyte", idx({3}, std::string("\x00\x09\x05", 3)));
  write(directory / "t10k-images-idx3-ubyte", idx({1, 2, 2}, "abcd"));
  write(directory / "t10k-labels-idx1-ubyte.gz", idx({1}, "\x07"));
}

}  // namespace

TEST_CASE("digits: images and labels are read, plain and compressed") {
  const ScratchDirectory scratch;
  write_digits(scratch.path);
  const Digits digits = read_digits(scratch.path.string());
  CHECK(digits.training.count == 3);
  CHECK(digits.training.rows == 2);
  CHECK(digits.training.columns == 2);
  CHECK(digits.training.labels == std::vector<std::uint8_t>{0, 9, 5});
  CHECK(digits.test.pixels == std::vector<std::uint8_t>{'a', 'b', 'c', 'd'});
  CHECK(digits.test.labels == std::vector<std::uint8_t>{7});
  std::vector<float> batch(8, -1);
  digits.training.write_image(2, batch.data() + 1, 2);
  CHECK(batch == std::vector<float>{-1, 1, -1, 0, -1, 1, -1, 0.2f});
}

TEST_CASE("digits: files that cannot be used are refused with file, reason and remedy") {
  const ScratchDirectory scratch;
  const auto refused = [&](const char* name, const std::string& bytes, const char* reason) {
    CAPTURE(reason);
    write_digits(scratch.path);
    write(scratch.path / name, bytes);
    CHECK_THROWS_WITH_AS(read_digits(scratch.path.string()), doctest::Contains(reason), DatasetError);
    CHECK_THROWS_WITH_AS(read_digits(scratch.path.string()), doctest::Contains(name), DatasetError);
  };
  const char* const images = "t10k-images-idx3-ubyte";
  const char* const labels = "t10k-labels-idx1-ubyte.gz";
  const std::string good = idx({1, 2, 2}, "abcd");
  for (std::size_t size = 0; size < good.size(); ++size) refused(images, good.substr(0, size), "ends early");
  refused(images, good + "e", "longer than its header says");
  refused(images, "<html>not found</html>", "not an IDX file of unsigned bytes with 3 dimensions");
  refused(images, idx({4}, "abcd"), "not an IDX file");
  refused(images, idx({0, 2, 2}, ""), "dimension 0 of 0 is impossible");
  refused(images, std::string("\0\0\x08\x03\xff\xff\xff\xff", 8) + std::string(8, '\xff'), "is impossible");
  refused(labels, idx({2}, "\x01\x02"), "2 labels do not fit the 1 images");
  refused(labels, idx({1}, "\x0a"), "label 10 is outside 0 to 9");
  write_digits(scratch.path);
  write(scratch.path / images, idx({1, 1, 4}, "abcd"));
  CHECK_THROWS_WITH_AS(read_digits(scratch.path.string()), doctest::Contains("differ in size"), DatasetError);
  fs::remove(scratch.path / labels);
  CHECK_THROWS_WITH_AS(read_digits(scratch.path.string()),
                       doctest::Contains("t10k-labels-idx1-ubyte[.gz]: there is no such file; put the four"),
                       DatasetError);
  CHECK_THROWS_AS(read_labelled_images(scratch.path.string(), scratch.path.string()), DatasetError);
}

#include "envs/digits.hpp"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>

namespace impsweep {
namespace {

constexpr const char* kFetchAgain = "the file is damaged or of another kind; fetch it again";
constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // of one file; more is a damaged header

[[noreturn]] void refuse(const std::string& path, const std::string& reason,
                         const std::string& remedy = kFetchAgain) {
  throw DatasetError(path + ": " + reason + "; " + remedy);
}

struct CloseFile {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

struct IdxFile {
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> elements;
};

// An IDX file reader; zlib passes uncompressed files through.
class IdxReader {
 public:
  explicit IdxReader(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (!file_) refuse(path, "the file cannot be opened", "check the path and its permissions");
  }

  IdxFile read(int dimensions) {
    std::uint8_t magic[4];
    read_bytes(magic, sizeof magic);
    if (magic[0] != 0 || magic[1] != 0 || magic[2] != 8 || magic[3] != dimensions)
      refuse(path_, "this is not an IDX file of unsigned bytes with " + std::to_string(dimensions) +
                        (dimensions == 1 ? " dimension" : " dimensions"));
    IdxFile contents;
    std::size_t size = 1;
    for (int d = 0; d < dimensions; ++d) {
      std::uint8_t bytes[4];
      read_bytes(bytes, sizeof bytes);
      std::size_t extent = 0;
      for (const std::uint8_t byte : bytes) extent = extent << 8 | byte;
      if (extent == 0 || extent > kMostBytes / size)
        refuse(path_, "dimension " + std::to_string(d) + " of " + std::to_string(extent) + " is impossible");
      size *= extent;
      contents.shape.push_back(extent);
    }
    contents.elements.resize(size);
    read_bytes(contents.elements.data(), size);
    std::uint8_t beyond;
    if (gzread(file_.get(), &beyond, 1) != 0) refuse(path_, "the file is longer than its header says");
    return contents;
  }

 private:
  void read_bytes(std::uint8_t* bytes, std::size_t size) {
    const int read = gzread(file_.get(), bytes, static_cast<unsigned>(size));
    if (read < 0 || static_cast<std::size_t>(read) != size) refuse(path_, "the file ends early");
  }

  std::string path_;
  std::unique_ptr<gzFile_s, CloseFile> file_;
};

// The plain file or the compressed one.
std::string find_file(const std::string& directory, const std::string& name) {
  const std::filesystem::path plain = std::filesystem::path(directory) / name;
  for (const std::string& path : {plain.string(), plain.string() + ".gz"}) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) return path;
  }
  refuse(plain.string() + "[.gz]", "there is no such file",
         "put the four IDX files of the data set into this directory");
}

}  // namespace

void LabelledImages::write_image(int image, float* out, int stride) const {
  const std::ptrdiff_t size = std::ptrdiff_t{rows} * columns;
  const std::uint8_t* const pixel = pixels.data() + image * size;
  for (std::ptrdiff_t p = 0; p < size; ++p) out[p * stride] = static_cast<float>(pixel[p]) / 255.0f;
}

LabelledImages read_labelled_images(const std::string& images_path, const std::string& labels_path) {
  IdxFile images = IdxReader(images_path).read(3), labels = IdxReader(labels_path).read(1);
  if (labels.shape[0] != images.shape[0])
    refuse(labels_path, std::to_string(labels.shape[0]) + " labels do not fit the " +
                            std::to_string(images.shape[0]) + " images of " + images_path);
  const std::uint8_t largest = *std::ranges::max_element(labels.elements);
  if (largest >= LabelledImages::kClasses)
    refuse(labels_path, "label " + std::to_string(largest) + " is outside 0 to 9");
  return {.count = static_cast<int>(images.shape[0]),
          .rows = static_cast<int>(images.shape[1]),
          .columns = static_cast<int>(images.shape[2]),
          .pixels = std::move(images.elements),
          .labels = std::move(labels.elements)};
}

Digits read_digits(const std::string& directory) {
  const auto read = [&](const std::string& part) {
    return read_labelled_images(find_file(directory, part + "-images-idx3-ubyte"),
                                find_file(directory, part + "-labels-idx1-ubyte"));
  };
  Digits digits{.training = read("train"), .test = read("t10k")};
  if (digits.training.rows != digits.test.rows || digits.training.columns != digits.test.columns)
    refuse(directory, "the images for training and for the test differ in size",
           "put the files of one data set into this directory");
  return digits;
}

TaskInfo digits_info() {
  const auto option = [](const char* key, const char* help) {
    Option text;
    text.key = key;
    text.fallback = std::string();
    text.help = help;
    return text;
  };
  TaskInfo info;
  info.least_return = 0;
  info.most_return = 100;
  info.name = info.family = "digits";
  info.description = "ten classes of labelled images (MNIST and its relatives), by supervised learning";
  info.rows = info.columns = LabelledImages::kSide;
  info.observation_size = info.rows * info.columns;
  info.actions = LabelledImages::kClasses;
  info.channel_names = {"pixel"};
  info.options = {option("digits.path", "directory of the four IDX files, plain or .gz; no part of a recipe"),
                  option("digits.content", "digest of images and labels; empty: of those in digits.path")};
  info.is_data_set = true;
  return info;
}

}  // namespace impsweep

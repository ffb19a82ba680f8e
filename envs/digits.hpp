// envs/digits.hpp - labelled images of digits, in the IDX files in which MNIST and its relatives are
// distributed: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
// t10k-labels-idx1-ubyte, each plain or compressed with the suffix .gz. Any set of ten classes will do
// (Debian's package dataset-fashion-mnist, for one).
//
// An IDX file is a big-endian header (two zero bytes, 8 for unsigned bytes, the number of dimensions, and
// each dimension as 32 bits) and the elements, the last dimension fastest. This is a data set for supervised
// learning: the task "digits" has examples and a test, and no Environment.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "envs/environment.hpp"

namespace impsweep {

// Says which file cannot be used, why, and what to do.
struct DatasetError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct LabelledImages {
  static constexpr int kClasses = 10, kSide = 28;  // rows and columns of the task's images

  int count = 0, rows = 0, columns = 0;
  std::vector<std::uint8_t> pixels;  // [count][rows][columns], 0 to 255
  std::vector<std::uint8_t> labels;  // [count], 0 to 9

  int pixels_per_image() const { return rows * columns; }

  // Writes pixel p of an image, over 255, to out[p * stride].
  void write_image(int image, float* out, int stride) const;
};

struct Digits {
  LabelledImages training, test;  // of equal size
};

// Both throw DatasetError.
LabelledImages read_labelled_images(const std::string& images_path, const std::string& labels_path);
Digits read_digits(const std::string& directory);

// The task "digits": images of 28 x 28 pixels in ten classes.
TaskInfo digits_info();

}  // namespace impsweep

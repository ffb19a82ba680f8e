// agents/acting/observation_columns.hpp - a batch of observations in the form that suits the task: numbers,
// or for binary tasks the features that are 1 (a few dozen of about a thousand).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agents/native/aligned.hpp"
#include "agents/network/network.hpp"
#include "envs/environment.hpp"

namespace impsweep {

class ObservationColumns {
 public:
  ObservationColumns() = default;
  // `max_active`: the largest number of features that are 1 at once; 0 for numbers.
  ObservationColumns(int features, int max_active, int capacity);
  ObservationColumns(const TaskInfo&, int capacity);

  bool is_binary() const { return binary_; }
  int capacity() const { return capacity_; }

  // What an environment writes into; null for binary tasks, which are read by observe() after the step.
  ObservationBatch target() { return {binary_ ? nullptr : dense_.data(), stride_}; }

  // Column c becomes the present observation of lane lanes[c]. Tasks of numbers have been written by then.
  void observe(const Environment&, std::span<const std::int32_t> lanes);

  // Column `to` of a task of numbers takes the observation of column `from`; binary tasks are read anew.
  void move_column(int from, int to);

  // Binary tasks: one column after the other. A column is appended by writing at most max_active ascending
  // features to the returned place and stating their number; up to kSlack more places may be overwritten.
  static constexpr int kSlack = 8;
  void clear() { columns_ = 0; }
  std::uint16_t* next_column() { return feature_.data() + begin_[static_cast<std::size_t>(columns_)]; }
  void finish_column(int active);

  ActiveBatch active() const { return {begin_.data(), feature_.data()}; }
  MutableBatch dense() { return {dense_.data(), stride_}; }
  ConstBatch dense() const { return {dense_.data(), stride_}; }

  // The network's part on the first `batch` columns.
  void infer(Network&, int part, int batch, MutableBatch outputs) const;
  void forward(Network&, int part, int batch, MutableBatch outputs) const;

  // Binary tasks keep nothing: observe() finds it again.
  template <class Archive>
  void visit(Archive& archive) {
    archive.sized("dense", dense_);
  }

 private:
  bool binary_ = false;
  int features_ = 0, max_active_ = 0, capacity_ = 0, stride_ = 0, columns_ = 0;
  AlignedFloats dense_;                 // [features][stride_]
  std::vector<std::uint32_t> begin_;    // [capacity + 1]
  std::vector<std::uint16_t> feature_;  // column after column
};

}  // namespace impsweep

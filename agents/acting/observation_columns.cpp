#include "agents/acting/observation_columns.hpp"

#include <algorithm>
#include <cassert>
#include <stdexcept>

#include "agents/native/kernels/kernels.hpp"

namespace impsweep {

ObservationColumns::ObservationColumns(int features, int max_active, int capacity)
    : binary_(max_active > 0),
      features_(features),
      max_active_(max_active),
      capacity_(capacity),
      stride_(round_up_to_lanes(capacity)) {
  if (!binary_) {
    dense_.assign(static_cast<std::size_t>(features) * static_cast<std::size_t>(stride_), 0.0f);
    return;
  }
  begin_.assign(static_cast<std::size_t>(capacity) + 1, 0);
  feature_.assign(static_cast<std::size_t>(capacity) * static_cast<std::size_t>(max_active) +
                      static_cast<std::size_t>(std::max(features, kSlack)),
                  0);
}

ObservationColumns::ObservationColumns(const TaskInfo& task, int capacity)
    : ObservationColumns(task.observation_size, task.binary ? task.max_active : 0, capacity) {}

void ObservationColumns::observe(const Environment& environment, std::span<const std::int32_t> lanes) {
  if (!binary_) return;
  clear();
  for (const std::int32_t lane : lanes) finish_column(environment.active_features(lane, next_column()));
}

void ObservationColumns::move_column(int from, int to) {
  if (binary_) return;
  for (int f = 0; f < features_; ++f) {
    float* row = dense_.data() + static_cast<std::ptrdiff_t>(f) * stride_;
    row[to] = row[from];
  }
}

void ObservationColumns::finish_column(int active) {
  assert(columns_ < capacity_);
  // Only a state that no task leads to, as a forged checkpoint may hold it; the last column has room for all.
  if (active > max_active_) throw std::length_error("an observation has more ones than its task can have");
  const auto column = static_cast<std::size_t>(columns_++);
  begin_[column + 1] = begin_[column] + static_cast<std::uint32_t>(active);
}

void ObservationColumns::infer(Network& network, int part, int batch, MutableBatch outputs) const {
  if (binary_)
    network.infer_active(part, batch, active(), outputs);
  else
    network.infer(part, batch, dense(), outputs);
}

void ObservationColumns::forward(Network& network, int part, int batch, MutableBatch outputs) const {
  if (binary_)
    network.forward_active(part, batch, active(), outputs);
  else
    network.forward(part, batch, dense(), outputs);
}

}  // namespace impsweep

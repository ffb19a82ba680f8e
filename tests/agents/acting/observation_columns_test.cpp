#include "agents/acting/observation_columns.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "agents/native/native_network.hpp"
#include "envs/random.hpp"

using namespace impsweep;

namespace {

// Three lanes whose boards are set by the test; lane l shows the features boards[l].
class StillBoards final : public Environment {
 public:
  StillBoards() {
    info_.observation_size = 30;
    info_.binary = true;
    info_.max_active = 5;
  }
  std::vector<std::vector<std::uint16_t>> boards = {{0, 7, 29}, {}, {3, 4, 5, 6, 20}};

  const TaskInfo& info() const override { return info_; }
  int lanes() const override { return static_cast<int>(boards.size()); }
  void attach(int, RandomSource&) override {}
  void reset(int, int, ObservationBatch) override {}
  void step(std::span<const std::int32_t>, ActionBatch, ObservationBatch, std::span<StepResult>) override {}
  int active_features(int lane, std::uint16_t* features) const override {
    const std::vector<std::uint16_t>& board = boards[static_cast<std::size_t>(lane)];
    std::ranges::copy(board, features);
    return static_cast<int>(board.size());
  }
  void save(StateWriter&) const override {}
  void load(StateReader&) override {}

 private:
  TaskInfo info_;
};

}  // namespace

TEST_CASE("columns of a binary task are the lanes' active features; networks see the same as in numbers") {
  const StillBoards environment;
  const ModelSpec model = {.parts = {{.name = "q", .sizes = {30, 12, 4}}}};
  NativeNetwork network(model, {}, {.max_batch = 3});
  Stream stream("columns");
  std::vector<float> parameters(parameter_count(model));
  for (float& value : parameters) value = static_cast<float>(stream.uniform() - 0.5);
  network.gather(parameters, network.parameters());

  ObservationColumns binary(environment.info(), 3), numbers(30, 0, 3);
  CHECK(binary.is_binary());
  CHECK(binary.target().data == nullptr);
  CHECK_FALSE(numbers.is_binary());
  const std::vector<std::int32_t> lanes = {2, 0, 1};
  for (int repetition = 0; repetition < 2; ++repetition) {  // the second finds no trace of the first
    binary.observe(environment, lanes);
    for (int c = 0; c < 3; ++c)
      for (const std::uint16_t f : environment.boards[static_cast<std::size_t>(lanes[c])])
        numbers.dense().data[f * numbers.dense().stride + c] = 1.0f;
    AlignedFloats found(4 * 16), expected(4 * 16);
    binary.infer(network, 0, 3, {found.data(), 16});
    numbers.infer(network, 0, 3, {expected.data(), 16});
    for (int a = 0; a < 4; ++a)
      for (int c = 0; c < 3; ++c) CHECK(found[a * 16 + c] == expected[a * 16 + c]);
  }
}

TEST_CASE("the last column takes the place of one that leaves") {
  ObservationColumns columns(2, 0, 3);
  for (int f = 0; f < 2; ++f)
    for (int c = 0; c < 3; ++c) columns.target().data[f * columns.target().stride + c] = 10.0f * f + c;
  columns.move_column(2, 0);
  CHECK(columns.dense().data[0] == 2.0f);
  CHECK(columns.dense().data[columns.dense().stride] == 12.0f);
}

// The memory against a plain list of everything that was ever appended.
#include "agents/learning/replay_memory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "envs/random.hpp"

using namespace impsweep;

namespace {

struct Transition {
  std::vector<std::uint16_t> active;
  float number = 0;
  std::int32_t action = 0;
  float reward = 0;
  std::uint8_t done = 0;
};

// Appends random steps to a memory and remembers them all: [step][b].
class Recorder {
 public:
  explicit Recorder(const ReplayOptions& options)
      : memory(options), options_(options), seen_(options.features, options.max_active, options.B) {}

  void append(Stream& stream, int steps) {
    for (int s = 0; s < steps; ++s) {
      std::vector<Transition> row(static_cast<std::size_t>(options_.B));
      seen_.clear();
      std::vector<std::int32_t> action;
      std::vector<float> reward;
      std::vector<std::uint8_t> done;
      for (std::size_t b = 0; b < row.size(); ++b) {
        Transition& one = row[b];
        one.number = static_cast<float>(count_++);
        one.action = static_cast<std::int32_t>(stream.below(4));
        one.reward = static_cast<float>(stream.uniform());
        one.done = stream.uniform() < 0.2;
        see(stream, one, static_cast<int>(b));
        action.push_back(one.action);
        reward.push_back(one.reward);
        done.push_back(one.done);
      }
      memory.observe(seen_);
      memory.append(action, reward, done);
      history.push_back(std::move(row));
    }
  }

  // The step, counted from the first of all, that a drawn slot holds now.
  std::size_t step_of(std::uint32_t slot) const {
    const auto T = static_cast<std::size_t>(memory.T()), row = slot / static_cast<std::size_t>(options_.B);
    std::size_t step = history.size() - 1;
    while (step % T != row) --step;
    return step;
  }

  ReplayMemory memory;
  std::vector<std::vector<Transition>> history;

 private:
  void see(Stream& stream, Transition& one, int b) {
    if (options_.max_active == 0) {
      for (int f = 0; f < options_.features; ++f)
        seen_.dense().data[f * seen_.dense().stride + b] = one.number + static_cast<float>(f);
      return;
    }
    std::set<std::uint16_t> chosen;
    const std::int64_t wanted = stream.below(options_.max_active + 1);
    while (static_cast<std::int64_t>(chosen.size()) < wanted)
      chosen.insert(static_cast<std::uint16_t>(stream.below(options_.features)));
    one.active.assign(chosen.begin(), chosen.end());
    std::ranges::copy(one.active, seen_.next_column());
    seen_.finish_column(static_cast<int>(one.active.size()));
  }

  ReplayOptions options_;
  ObservationColumns seen_;
  int count_ = 0;
};

std::vector<double> uniforms(Stream& stream, std::size_t count) {
  std::vector<double> list(count);
  for (double& u : list) u = stream.uniform();
  return list;
}

bool shows(const ObservationColumns& columns, int column, const Transition& expected, int features) {
  if (columns.is_binary()) {
    const ActiveBatch active = columns.active();
    return std::vector<std::uint16_t>(active.feature + active.begin[column],
                                      active.feature + active.begin[column + 1]) == expected.active;
  }
  for (int f = 0; f < features; ++f)
    if (columns.dense().data[f * columns.dense().stride + column] != expected.number + static_cast<float>(f))
      return false;
  return true;
}

void check_sample(const Recorder& recorder, const ReplayBatch& batch, const ReplayOptions& options) {
  for (std::size_t j = 0; j < batch.slot.size(); ++j) {
    const std::size_t step = recorder.step_of(batch.slot[j]), written = recorder.history.size();
    const std::size_t b = batch.slot[j] % static_cast<std::size_t>(options.B);
    const auto n = static_cast<std::size_t>(options.n_step),
               T = static_cast<std::size_t>(recorder.memory.T());
    REQUIRE(step > 0);
    REQUIRE(step + n < written);  // the future is complete
    REQUIRE(step + T > written);  // not the slot that is written next
    double sum = 0;
    bool done = false;
    for (std::size_t k = 0; k < n && !done; ++k) {
      const Transition& one = recorder.history[step + k][b];
      sum += std::pow(options.discount, static_cast<double>(k)) * one.reward;
      done = one.done != 0;
    }
    CHECK(batch.action[j] == recorder.history[step][b].action);
    CHECK(batch.return_[j] == doctest::Approx(sum).epsilon(1e-6));
    CHECK((batch.done_n[j] != 0) == done);
    const int column = static_cast<int>(j);
    CHECK(shows(batch.observation, column, recorder.history[step][b], options.features));
    CHECK(shows(batch.next_observation, column, recorder.history[step + n][b], options.features));
  }
}

}  // namespace

TEST_CASE("what is drawn is what was appended, in every form, across the end of the ring") {
  struct Form {
    int features, max_active;
  };
  for (const Form form : {Form{3, 0}, Form{400, 20}, Form{1200, 120}, Form{1200, 300}, Form{70, 70}}) {
    for (const bool prioritized : {true, false}) {
      for (const int n : {1, 3}) {
        ReplayOptions options;
        options.size = 4 * 23 - 2;
        options.B = 4;
        options.n_step = n;
        options.discount = 0.9;
        options.features = form.features;
        options.max_active = form.max_active;
        options.prioritized = prioritized;
        Stream stream("memory");
        Recorder recorder(options);
        CHECK(recorder.memory.T() == 23);
        ReplayBatch batch(options, 32);
        CHECK_FALSE(recorder.memory.can_sample());
        for (const int steps : {n + 2, 5, 1, 20, 7, 40}) {
          recorder.append(stream, steps);
          REQUIRE(recorder.memory.can_sample());
          recorder.memory.sample(uniforms(stream, 32), 0.5, batch);
          check_sample(recorder, batch, options);
        }
      }
    }
  }
}

TEST_CASE("what only a step limit ended goes on from its last observation, by as many discounts as steps") {
  for (const int max_active : {0, 3, 60}) {  // numbers, lists, bit sets
    ReplayOptions options;
    options.size = 30;
    options.n_step = 3;
    options.discount = 0.5;
    options.features = 100;
    options.max_active = max_active;
    options.prioritized = false;
    options.bootstraps_timeouts = true;
    ReplayMemory memory(options);
    ObservationColumns seen(100, max_active, 1);
    const auto show = [&](int feature) {  // an observation that is told by one feature
      seen.clear();
      if (max_active == 0) {
        for (int f = 0; f < 100; ++f) seen.dense().data[f * seen.dense().stride] = f == feature ? 1.0f : 0.0f;
        return;
      }
      *seen.next_column() = static_cast<std::uint16_t>(feature);
      seen.finish_column(1);
    };
    const auto shown = [&](const ObservationColumns& columns, int column) {
      if (columns.is_binary()) return int{columns.active().feature[columns.active().begin[column]]};
      int found = -1;
      for (int f = 0; f < 100; ++f)
        if (columns.dense().data[f * columns.dense().stride + column] == 1) found = f;
      return found;
    };
    // Step t shows feature t and gives reward t; the limit ends the episode after step 10, which led to 99,
    // and the task itself ends another after step 20.
    for (int t = 0; t < 28; ++t) {
      show(t);
      memory.observe(seen);
      const std::uint8_t done = t == 10 ? ReplayMemory::kEndsByLimit : t == 20 ? ReplayMemory::kEnds : 0;
      if (done == ReplayMemory::kEndsByLimit) {
        show(99);
        memory.observe_ends(seen, {&done, 1});
      }
      const std::int32_t action = 0;
      const auto reward = static_cast<float>(t);
      memory.append({&action, 1}, {&reward, 1}, {&done, 1});
    }
    ReplayBatch batch(options, 64);
    Stream stream("limits");
    memory.sample(uniforms(stream, 64), 0, batch);
    int by_limit = 0;
    for (int j = 0; j < 64; ++j) {
      const int t = shown(batch.observation, j);
      const auto of = [](int step) { return static_cast<float>(step); };
      if (t >= 8 && t <= 10) {  // 11 - t steps until the limit
        ++by_limit;
        CHECK(batch.done_n[j] == 0);
        CHECK(shown(batch.next_observation, j) == 99);
        CHECK(batch.bootstrap[j] == std::pow(0.5f, of(11 - t - 3)));
        CHECK(batch.return_[j] == (t == 8 ? 8 + 4.5f + 2.5f : t == 9 ? 9 + 5.0f : 10.0f));
      } else {
        CHECK(batch.bootstrap[j] == 1);
        CHECK(batch.done_n[j] == (t >= 18 && t <= 20));
        CHECK(shown(batch.next_observation, j) == t + 3);
      }
    }
    CHECK(by_limit > 3);
  }
}

TEST_CASE("every drawable slot and no other has a leaf") {
  ReplayOptions options;
  options.size = 30;
  options.B = 2;
  options.n_step = 2;
  options.features = 1;
  options.initial_priority = 0.5;
  Stream stream("leaves");
  Recorder recorder(options);
  for (int steps = 1; steps < 40; ++steps) {
    recorder.append(stream, 1);
    const std::span<const double> leaves = recorder.memory.leaves();
    for (std::uint32_t slot = 0; slot < leaves.size(); ++slot) {
      const int row = static_cast<int>(slot) / 2;
      bool drawable = false;
      for (int s = std::max(1, steps - 14); s < steps - 2; ++s) drawable |= s % 15 == row;
      CHECK(leaves[slot] == (drawable ? std::pow(0.5, 0.6) : 0.0));
    }
  }
}

TEST_CASE("uniform sampling reaches every step that can be drawn, and equally often") {
  ReplayOptions options;
  options.size = 40;
  options.B = 2;
  options.features = 1;
  options.prioritized = false;
  Stream stream("uniform");
  Recorder recorder(options);
  recorder.append(stream, 33);
  ReplayBatch batch(options, 3600);
  std::vector<double> uniform(3600);
  for (std::size_t j = 0; j < uniform.size(); ++j) uniform[j] = (static_cast<double>(j) + 0.5) / 3600;
  recorder.memory.sample(uniform, 1, batch);
  std::vector<int> times(40, 0);
  for (const std::uint32_t slot : batch.slot) ++times[slot];
  CHECK(std::ranges::count(times, 0) == 2 * 2);  // newest step and the one that is overwritten next
  for (const int count : times) CHECK((count == 0 || count == 100));
  for (const float weight : std::span(batch.weight.data(), 3600)) REQUIRE(weight == 1.0f);
}

TEST_CASE("priorities: limits, duplicates, importance weights") {
  ReplayOptions options;
  options.size = 64;
  options.features = 1;
  Stream stream("priorities");
  Recorder recorder(options);
  recorder.append(stream, 64);
  ReplayBatch batch(options, 4);
  recorder.memory.sample(std::vector<double>{0.1, 0.1, 0.5, 0.9}, 0.4, batch);
  REQUIRE(batch.slot[0] == batch.slot[1]);
  for (int j = 0; j < 4; ++j) CHECK(batch.weight[j] == 1.0f);
  recorder.memory.set_priorities(batch, std::vector<float>{0.25f, 0.9f, 0.0f, 1.0f});
  CHECK(recorder.memory.leaves()[batch.slot[0]] == doctest::Approx(std::pow(0.25, 0.6)).epsilon(1e-12));
  CHECK(recorder.memory.leaves()[batch.slot[2]] == 0.0);
  const std::vector<double> leaf = {0.0625, 1.0, 0.5};
  std::vector<float> weight(3);
  importance_weights(leaf, 0.7, weight);
  CHECK(weight[0] == 1.0f);
  CHECK(weight[1] == doctest::Approx(std::pow(0.0625, 0.7)).epsilon(1e-5));
  CHECK(weight[2] == doctest::Approx(std::pow(0.125, 0.7)).epsilon(1e-5));
}

TEST_CASE("100,000 transitions of a board fit into 40 MB") {
  ReplayOptions options;
  options.B = 10;
  for (const int features : {400, 600, 700, 1000, 1200}) {
    options.features = features;
    for (const int max_active : {17, 46, 120, 151, features}) {  // lists up to twice the size of a bit set
      options.max_active = max_active;
      CHECK(ReplayMemory(options).bytes() <= 34'000'000);
    }
  }
  options.max_active = 120;
  CHECK(ReplayMemory(options).bytes() <= 28'000'000);  // MazeGrid
}

TEST_CASE("observations that are functions of a few features are expanded when they are drawn") {
  ReplayOptions options;
  options.size = 50;
  options.B = 2;
  options.features = options.code_size = 40;
  options.max_active = 6;
  options.expand = [](const ActiveBatch& active, int batch, MutableBatch dense) {
    for (int b = 0; b < batch; ++b)
      dense.data[7 * dense.stride + b] = static_cast<float>(active.begin[b + 1] - active.begin[b]);
  };
  Stream stream("expand");
  Recorder recorder(options);
  recorder.append(stream, 30);
  ReplayBatch batch(options, 16);
  recorder.memory.sample(uniforms(stream, 16), 1, batch);
  for (std::size_t j = 0; j < 16; ++j) {
    const std::size_t step = recorder.step_of(batch.slot[j]), b = batch.slot[j] % 2;
    CHECK_FALSE(batch.observation.is_binary());
    CHECK(batch.observation.dense().data[7 * batch.observation.dense().stride + static_cast<int>(j)] ==
          static_cast<float>(recorder.history[step][b].active.size()));
  }
}

TEST_CASE("a memory goes on after saving and loading as if nothing had happened") {
  ReplayOptions options;
  options.size = 60;
  options.B = 3;
  options.features = 100;
  options.max_active = 60;
  Stream stream("save");
  Recorder recorder(options);
  recorder.append(stream, 25);
  StateWriter writer;
  writer("memory", recorder.memory);
  ReplayMemory loaded(options);
  StateReader reader(writer.bytes().data(), writer.bytes().size());
  reader("memory", loaded);
  CHECK(reader.at_end());
  ReplayBatch one(options, 8), other(options, 8);
  const std::vector<double> uniform = uniforms(stream, 8);
  recorder.memory.sample(uniform, 1, one);
  loaded.sample(uniform, 1, other);
  CHECK(one.slot == other.slot);
  CHECK(one.return_ == other.return_);
  CHECK(loaded.cursor() == recorder.memory.cursor());
  options.size = 63;
  ReplayMemory larger(options);
  StateReader again(writer.bytes().data(), writer.bytes().size());
  CHECK_THROWS_AS(again("memory", larger), ArchiveError);
}

TEST_CASE("a memory that is too short for its returns is refused") {
  ReplayOptions options;
  options.size = 4;
  options.n_step = 3;
  options.features = 1;
  CHECK_THROWS_AS(ReplayMemory{options}, std::invalid_argument);
}

// Saved states: those of every algorithm on every task, altered anywhere, are trained from or refused.
//
// An input is which training, which of its safe points, and a list of changes: a place in the saved
// state (4 bytes), a width (1, 2, 4 or 8 bytes) and the number that is written there. So every execution
// begins with a genuine state, behind names and lengths that fit.
#include <algorithm>
#include <cstring>
#include <map>
#include <stdexcept>

#include "agents/config/paper_defaults.hpp"
#include "agents/config/ppo_config.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/session.hpp"
#include "agents/network/initialisation.hpp"
#include "envs/archive.hpp"

using namespace impsweep;

namespace {

constexpr std::string_view kSlowToMake = "mazegrid-entangled";  // its matrix; its state is that of mazegrid

struct Training {
  TrainingRequest request;
  std::vector<std::vector<std::byte>> states;  // after more and more iterations
};

TrainingRequest request_for(const AlgorithmInfo& algorithm, const TaskInfo& task) {
  TrainingRequest request;
  request.task = task.name;
  request.algorithm = &algorithm;
  request.config.own = algorithm.options;
  request.config.network.hidden = {4};
  request.config.sampler = {.steps = 4096, .batch_B = 2, .batch_T = 16};
  request.config.evaluation = {
      .interval = 4096, .episodes = 1, .max_episode_steps = 50, .reevaluation_episodes = 1};
  std::vector<OptionField> fields;
  request.config.own.append(fields);
  for (const OptionField& field : fields) {
    if (field.key.ends_with("min_steps_learn")) *std::get<std::int64_t*>(field.place) = 64;
    if (field.key.ends_with("replay_size")) *std::get<std::int64_t*>(field.place) = 128;
    if (field.key.ends_with("batch_size")) *std::get<std::int64_t*>(field.place) = 8;
    if (field.key.ends_with("epochs")) *std::get<std::int64_t*>(field.place) = 1;
    if (field.key == "ppo.minibatches") *std::get<std::int64_t*>(field.place) = 2;
  }
  if (algorithm.name == "ppo") {
    request.config.options<PpoConfig>().obs_norm = true;
    request.config.options<PpoConfig>().reward_norm = true;
  }
  request.model = model_on_task(algorithm, task, request.config);
  request.mask.assign(parameter_count(request.model), 1);
  const auto stream = [](std::string_view tensor) { return std::string(tensor); };
  request.initial_parameters = initial_parameters(request.model, request.config.network, stream);
  request.stream_prefix = "fuzz";
  if (algorithm.has_teacher) {
    const AlgorithmInfo& teacher = *find_algorithm(teacher_algorithm(task), task);
    AgentConfig config = request.config;
    config.own = teacher.options;
    request.teacher_model = model_on_task(teacher, task, config);
    request.teacher_parameters = initial_parameters(request.teacher_model, config.network, stream);
  }
  return request;
}

// Trainings are made as they are asked for.
class Trainings {
 public:
  Trainings() {
    for (const AlgorithmInfo& algorithm : algorithms())
      for (const std::string& name : environment_names())
        if (const TaskInfo& task = *find_task(name); algorithm.learns(task) && name != kSlowToMake)
          pairs_.push_back({&algorithm, &task});
  }

  const Training& choose(std::uint8_t number) {
    const std::size_t which = number % pairs_.size();
    const auto [place, is_new] = made_.try_emplace(which);
    if (is_new) {
      Training& training = place->second;
      training.request = request_for(*pairs_[which].first, *pairs_[which].second);
      TrainingSession session(training.request);
      for (int calls = 1; calls <= 8 && session.advance(); ++calls) {
        if ((calls & (calls - 1)) != 0) continue;
        StateWriter writer;
        session.save(writer);
        training.states.push_back(writer.take());
      }
    }
    return place->second;
  }

 private:
  std::vector<std::pair<const AlgorithmInfo*, const TaskInfo*>> pairs_;
  std::map<std::size_t, Training> made_;
};

struct Change {
  std::uint32_t place = 0;
  std::uint8_t width = 0;
  std::uint64_t value = 0;
};
constexpr std::size_t kChangeBytes = 13;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Trainings trainings;
  if (size < 2) return 0;
  const Training& training = trainings.choose(data[0]);
  std::vector<std::byte> state = training.states[data[1] % training.states.size()];
  for (std::size_t at = 2; at + kChangeBytes <= size; at += kChangeBytes) {
    Change change;
    std::memcpy(&change.place, data + at, sizeof change.place);
    change.width = data[at + 4];
    std::memcpy(&change.value, data + at + 5, sizeof change.value);
    const std::size_t place = change.place % state.size();
    const std::size_t width = std::size_t{1} << (change.width % 4);
    std::memcpy(state.data() + place, &change.value, std::min(width, state.size() - place));
  }
  TrainingSession session(training.request);
  try {
    StateReader reader(state.data(), state.size());
    session.load(reader);
  } catch (const ArchiveError&) {
    return 0;
  }
  // What was accepted can be trained from.
  try {
    session.advance();
  } catch (const TrainingFailure&) {
    return 0;
  } catch (const std::length_error&) {  // more objects or ones than a game can have
    return 0;
  }
  StateWriter writer;
  session.save(writer);
  return 0;
}

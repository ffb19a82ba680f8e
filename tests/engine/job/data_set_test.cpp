#include "engine/job/data_set.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "agents/config/paper_defaults.hpp"
#include "agents/config/supervised_config.hpp"
#include "engine/job/job.hpp"
#include "engine/plan/plan.hpp"
#include "io/error.hpp"
#include "tests/io/scratch.hpp"

using namespace impsweep;
using impsweep::testing::Scratch;
using impsweep::testing::spill;

namespace {

std::string idx(const std::vector<int>& shape, char fill) {
  std::string bytes = {0, 0, 8, static_cast<char>(shape.size())};
  std::size_t size = 1;
  for (const int extent : shape) {
    bytes += std::string(3, '\0') + static_cast<char>(extent);
    size *= static_cast<std::size_t>(extent);
  }
  return bytes + std::string(size, fill);
}

// Two images for training and one for the test, all pixels alike.
void write_digits(const std::filesystem::path& directory, char fill, int side = 28) {
  std::filesystem::create_directories(directory);
  spill(directory / "train-images-idx3-ubyte", idx({2, side, side}, fill));
  spill(directory / "train-labels-idx1-ubyte", idx({2}, 7));
  spill(directory / "t10k-images-idx3-ubyte", idx({1, side, side}, fill));
  spill(directory / "t10k-labels-idx1-ubyte", idx({1}, 7));
}

Plan plan_with(const std::string& lines) {
  const JobFile job = parse_job(
      "[[sweep]]\ntasks = [\"digits\"]\nalgorithms = [\"supervised\"]\nseeds = 1\nrounds = 2\n"
      "network.hidden = [8]\n" +
          lines,
      "job.toml");
  return make_plan({&job, 1});
}

std::string error_of(const std::string& lines) {
  try {
    plan_with(lines);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a training depends on what the images are, not on where they lie") {
  const Scratch scratch;
  write_digits(scratch / "a", 'x');
  write_digits(scratch / "b", 'x');
  write_digits(scratch / "c", 'y');
  const auto path = [&](const char* name) { return "digits.path = \"" + (scratch / name).string() + "\"\n"; };
  const Plan a = plan_with(path("a")), b = plan_with(path("b")), c = plan_with(path("c"));
  CHECK(a.trainings.front().digest == b.trainings.front().digest);
  CHECK(a.trainings.front().digest != c.trainings.front().digest);
  const std::string recipe = canonical_bytes(recipe_of(a, 0));
  CHECK(recipe.find("digits.path") == std::string::npos);
  const std::string content = content_of(read_digits((scratch / "a").string()));
  CHECK(content.size() == 32);
  CHECK(recipe.find("digits.content = \"" + content + "\"") != std::string::npos);
  CHECK(settings_of(parse_recipe(recipe, "test"), "test").task_options.at("digits.content") ==
        OptionValue(content));
}

TEST_CASE("a frozen job knows its data set without reading it, and refuses another in its place") {
  const Scratch scratch;
  write_digits(scratch / "a", 'x');
  const Plan plan = plan_with("digits.path = \"" + (scratch / "a").string() + "\"\n");
  CHECK(load_data_set(plan.settings.front())->training.count == 2);
  const std::string frozen = frozen_job(plan.points);
  std::filesystem::rename(scratch / "a", scratch / "elsewhere");
  const JobFile job = parse_job(frozen, "frozen.toml");
  const Plan again = make_plan({&job, 1});
  CHECK(again.trainings.front().digest == plan.trainings.front().digest);
  Settings moved = again.settings.front();
  moved.task_options["digits.path"] = (scratch / "elsewhere").string();
  CHECK(load_data_set(moved)->test.count == 1);
  write_digits(scratch / "other", 'y');
  moved.task_options["digits.path"] = (scratch / "other").string();
  CHECK_THROWS_WITH_AS(load_data_set(moved), doctest::Contains("the training is planned for digits.content"),
                       InputError);
  CHECK(load_data_set(paper_settings("cartpole", "ppo")) == nullptr);
}

TEST_CASE("a data set that is not there is an error with the remedy") {
  const Scratch scratch;
  CHECK(error_of("").find("job.toml:1: task 'digits' needs 'digits.path'") == 0);
  CHECK(error_of("digits.path = \"/nowhere\"\n").find("put the four IDX files") != std::string::npos);
  write_digits(scratch / "small", 'x', 20);
  CHECK(error_of("digits.path = \"" + (scratch / "small").string() + "\"\n")
            .find("images of 20 x 20 pixels, where task digits has 28 x 28") != std::string::npos);
}

TEST_CASE("the job of figure 1, for a data set that is named and not there") {
  const JobFile job = read_job_file(IMPSWEEP_SOURCE_DIR "/jobs/figure-01.toml");
  const JobEntry content = parse_assignment("digits.content=\"0123\"");
  const Plan plan = make_plan({&job, 1}, {&content, 1});
  CHECK(plan.chains.size() == 5);
  CHECK(plan.trainings.size() == 100);
  CHECK(plan.trainings.front().env_steps == 1'200'000);
  CHECK(plan.chains.front().name == "digits.supervised.300-100.default.mask-weights.s00");
}

TEST_CASE("supervised settings are the protocol's, with keys of their own") {
  const Settings settings = paper_settings("digits", "supervised");
  CHECK(settings.agent.network.hidden == std::vector<std::int64_t>{300, 100});
  CHECK(settings.agent.options<SupervisedConfig>().learning_rate == 1.2e-3);
  CHECK(settings.agent.options<SupervisedConfig>().batch_size == 60);
  CHECK(settings.agent.sampler.steps == 20 * 60'000);
  CHECK(settings.agent.evaluation.interval == 60'000);
  CHECK(paper_rounds(*find_task("digits")) == 20);
  CHECK(prunable_entries(settings) == 266'200);
  CHECK(has_option("digits", "supervised", "rl.steps"));
  CHECK_FALSE(has_option("digits", "supervised", "rl.batch_B"));
  CHECK_FALSE(has_option("digits", "supervised", "eval.episodes"));
  CHECK_FALSE(has_option("digits", "supervised", "inputs.select"));
}

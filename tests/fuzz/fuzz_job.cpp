// Job files: any text is read, resolved and expanded, or refused with a message. So is every --set.
#include "engine/job/job.hpp"
#include "engine/plan/plan.hpp"
#include "io/error.hpp"

using namespace impsweep;

namespace {

constexpr std::size_t kMostTrainings = 200;  // expanding more of them takes long and finds nothing new

void read(std::string_view text) {
  const JobFile file = parse_job(text, "input.toml");
  std::vector<GridPoint> points = resolve({&file, 1});
  const std::string frozen = frozen_job(points);
  const JobFile again = parse_job(frozen, "frozen.toml");
  if (frozen_job(resolve_frozen(again)) != frozen) std::abort();  // a frozen job means the same job
  std::size_t trainings = 0;
  for (const GridPoint& point : points)
    trainings += point.baselines.size() * point.seeds.size() * static_cast<std::size_t>(point.rounds);
  if (trainings > kMostTrainings) return;
  const Plan plan = expand(std::move(points));
  for (TrainingIndex i = 0; i < plan.trainings.size(); i += 10) {
    const Recipe recipe = recipe_of(plan, i);
    if (digest_of(recipe) != plan.trainings[i].digest) std::abort();
    if (parse_recipe(canonical_bytes(recipe), "recipe") != recipe) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    read(text);
  } catch (const InputError&) {
  }
  try {
    parse_assignment(text);
  } catch (const InputError&) {
  }
  return 0;
}

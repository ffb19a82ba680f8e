// Checkpoints: any record behind a right checksum is continued from, or refused with a message.
#include "engine/job/job.hpp"
#include "engine/training/fingerprint.hpp"
#include "engine/training/training.hpp"
#include "envs/archive.hpp"
#include "io/error.hpp"
#include "record_form.hpp"

using namespace impsweep;

namespace {

// The trainings of seeds.toml that need no other's result: one of each algorithm.
struct Trainings {
  Plan plan;
  std::optional<Store> store;
  std::vector<TrainingIndex> roots;
  std::vector<TrainingRequest> requests;

  Trainings() {
    const JobFile file = read_job_file(IMPSWEEP_FUZZ_DIR "/seeds.toml");
    plan = expand(resolve({&file, 1}));
    store = Store::create_or_open(fuzz::scratch_path("checkpoint"), numerics_fingerprint(Backend::kNative));
    for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
      if (!plan.dependencies(i).empty()) continue;
      roots.push_back(i);
      requests.push_back(make_request(plan, i, loader_from(*store), Backend::kNative));
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Trainings trainings;
  if (size < 1) return 0;
  const std::size_t which = data[0] % trainings.roots.size();
  const Record record = fuzz::record_of({data + 1, size - 1});
  Checkpoint checkpoint(*trainings.store, trainings.plan, trainings.roots[which], std::chrono::hours(1));
  TrainingSession session(trainings.requests[which]);
  try {
    checkpoint.restore(record, session);
  } catch (const InputError&) {
    return 0;
  } catch (const ArchiveError&) {
    return 0;
  }
  // What was accepted can be trained from.
  try {
    session.advance();
  } catch (const TrainingFailure&) {
  }
  StateWriter writer;
  session.save(writer);
  return 0;
}

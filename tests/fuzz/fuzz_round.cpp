// Round files: any record behind a right checksum is read, or refused with a message; a wrong one is found.
#include "engine/job/job.hpp"
#include "engine/training/round_record.hpp"
#include "io/record_file.hpp"
#include "io/store.hpp"
#include "record_form.hpp"

using namespace impsweep;

namespace {

// The network of the seeds; see make_seeds.py.
const ModelSpec& model() {
  static const ModelSpec spec = [] {
    const JobFile file = read_job_file(IMPSWEEP_FUZZ_DIR "/seeds.toml");
    return model_of(resolve({&file, 1}).front().settings);
  }();
  return spec;
}

template <class Reader>
void try_to(const Reader& reader) {
  try {
    reader();
  } catch (const InputError&) {
  }
}

void check_file(const Record& record) {
  Bytes file;
  try {
    file = encode_record(record);
  } catch (const std::invalid_argument&) {  // a name that is a path, the same path twice
    return;
  }
  if (!(decode_record(file, "input") == record)) std::abort();
  for (const std::size_t place : {std::size_t{40}, file.size() / 2, file.size() - 1}) {
    Bytes damaged = file;
    damaged[place] ^= std::byte{1};
    try {
      decode_record(damaged, "input");
      std::abort();
    } catch (const DamagedFile&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Record record = fuzz::record_of({data, size});
  try_to([&] { read_summary(record); });
  try_to([&] {
    const RoundResult round = read_round(record, model());
    kept_per_input(tensors_of(model()), round.mask);
  });
  try_to([&] { read_snapshot(record, model(), 100'000); });
  try_to([&] { settings_of(parse_recipe(record.text("", "recipe"), record.origin), record.origin); });
  content_digest(record, kProvenance);
  if (size % 16 == 0) check_file(record);  // a tenth of a millisecond each
  return 0;
}

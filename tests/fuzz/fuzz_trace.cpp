// Recordings: any HDF5 file of the known kinds of objects is replayed, or refused with a message.
#include <stdexcept>

#include "engine/replay/replay_environment.hpp"
#include "engine/replay/replay_oracle.hpp"
#include "io/error.hpp"
#include "io/hdf5_writer.hpp"
#include "io/record_file.hpp"
#include "record_form.hpp"

using namespace impsweep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path path = fuzz::scratch_path("trace.h5");
  const Record record = fuzz::record_of({data, size});
  try {
    Hdf5Writer writer;
    write_record(writer, "", record);
    fuzz::spill(path, writer.image());
  } catch (const std::invalid_argument&) {  // no HDF5 file can be like that
    return 0;
  }
  try {
    if (is_oracle(path))
      replay_oracle(path);
    else
      replay_environment_trace(path);
  } catch (const InputError&) {
  }
  return 0;
}

// summaries.h5: any record behind a right checksum is read, or taken for none; it is derived, so nothing is
// refused.
#include "engine/store/summary_cache.hpp"
#include "io/record_file.hpp"
#include "io/store.hpp"
#include "record_form.hpp"

using namespace impsweep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Store store = Store::create_or_open(fuzz::scratch_path("summaries"), {{"compiler", "any"}},
                                                   [](const std::string&) {});
  try {
    fuzz::spill(store.directory() / "summaries.h5", encode_record(fuzz::record_of({data, size})));
  } catch (const std::invalid_argument&) {  // no HDF5 file can be like that
    return 0;
  }
  read_summary_cache(store);
  return 0;
}

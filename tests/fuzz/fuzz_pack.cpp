// Packs: any HDF5 file of the known kinds of objects, half of them behind a right checksum, is read as a
// store, or refused with a message. Texts of jobs stand under their right digests.
#include "engine/store/contents.hpp"
#include "engine/store/summary_cache.hpp"
#include "io/digest.hpp"
#include "io/error.hpp"
#include "io/hdf5_writer.hpp"
#include "io/record_file.hpp"
#include "io/store.hpp"
#include "record_form.hpp"

using namespace impsweep;

namespace {

constexpr std::size_t kMostResults = 20;  // the others of one file are read in the same way

// What names itself by its content would be found out at once.
void name_jobs(Record& record) {
  const auto jobs = record.attributes.find("jobs");
  if (jobs == record.attributes.end()) return;
  std::map<std::string, Attribute> named;
  for (auto& [name, text] : jobs->second) {
    const auto* known = std::get_if<std::string>(&text);
    named.emplace(known == nullptr ? name : sha256_hex(bytes_of(*known)), std::move(text));
  }
  jobs->second = {named.begin(), named.end()};
}

Bytes file_of(const Record& record, bool proves_itself) {
  if (proves_itself) return encode_record(record);
  Hdf5Writer writer;
  write_record(writer, "", record);
  return writer.image();
}

void read(const std::filesystem::path& path) {
  const Store store = Store::open(path, [](const std::string&) {});
  std::size_t results = 0;
  for (const std::string& digest : store.finished()) {
    if (++results > kMostResults) break;
    for (const RecordPart part : {RecordPart::kAll, RecordPart::kAttributes}) {
      const std::optional<Record> record = store.load(digest, part);
      if (!record) continue;
      try {
        read_summary(*record);
      } catch (const InputError&) {
      }
    }
  }
  read_summary_cache(store);
  const Plan plan = plan_of_store(store);
  unclaimed_results(store, plan);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path path = fuzz::scratch_path("pack.h5");
  Record record = fuzz::record_of({data, size});
  name_jobs(record);
  try {
    fuzz::spill(path, file_of(record, size % 2 == 0));
  } catch (const std::invalid_argument&) {  // no HDF5 file can be like that
    return 0;
  }
  try {
    read(path);
  } catch (const InputError&) {
  }
  return 0;
}

// impsweep pack: a whole store as one file.
#include <fmt/format.h>

#include "engine/commands/command.hpp"
#include "engine/store/index.hpp"
#include "io/error.hpp"

namespace impsweep {

int command_pack(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "pack DIR FILE.h5",
      "Writes every finished training of a store into one HDF5 file for sharing and archiving. It has\n"
      "the shape of index.h5 (/rounds, /chains/<chain>/<round>), with the rounds themselves instead of\n"
      "links to files; jobs and numerics fingerprint are attributes of /jobs and /fingerprint. The\n"
      "file is built in memory. The store is not changed.\n\n"
      "Example: impsweep pack out results.h5");
  usage.positional = {{"store", 1}, {"file", 1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("store") == 0 || values->count("file") == 0)
    throw InputError("pack: it takes a store and the file to write; see `impsweep pack --help`");
  const Store store = Store::open((*values)["store"].as<std::vector<std::string>>().front());
  const std::string file = (*values)["file"].as<std::vector<std::string>>().front();
  const StoreContents contents = read_contents(store);
  require_jobs(store, contents.plan);
  write_pack(store, contents.plan, contents.summaries, file);
  fmt::print("{}: {} of {} trainings, {:.1f} MB\n", file, contents.summaries.size(),
             contents.plan.trainings.size(), static_cast<double>(std::filesystem::file_size(file)) * 1e-6);
  return kComplete;
}

}  // namespace impsweep

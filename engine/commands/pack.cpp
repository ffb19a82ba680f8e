// impsweep pack: a whole store as one file.
#include <fmt/format.h>

#include <algorithm>

#include "engine/commands/command.hpp"
#include "engine/store/index.hpp"
#include "io/error.hpp"

namespace impsweep {

int command_pack(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "pack DIR FILE.h5 [--summary]",
      "Writes every finished training of a store into one HDF5 file for sharing and archiving. It has\n"
      "the shape of index.h5 (/rounds, /chains/<chain>/<round>), with the rounds themselves instead of\n"
      "links to files; jobs and numerics fingerprint are attributes of /jobs and /fingerprint. The\n"
      "file is built in memory. The store is not changed.\n\n"
      "report, export, status, explain, evaluate, verify, merge and pack itself open a pack like a store. "
      "With\n"
      "--summary it has everything but masks, weights and snapshots, about 1.3 KB for a training of "
      "Cart-Pole:\n"
      "enough for report, export, status and explain.\n\n"
      "Example: impsweep pack out results.h5");
  usage.options.add_options()("summary", "leave out masks, weights and snapshots");
  usage.positional = {{"store", 1}, {"file", 1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("store") == 0 || values->count("file") == 0)
    throw InputError("pack: it takes a store and the file to write; see `impsweep pack --help`");
  const Store store = Store::open((*values)["store"].as<std::vector<std::string>>().front());
  const std::string file = (*values)["file"].as<std::vector<std::string>>().front();
  const bool summary = values->count("summary") != 0;
  if (!summary) require_weights(store, "pack");
  const StoreContents contents = read_contents(store);
  require_jobs(store, contents.plan);
  write_pack(store, contents.plan, contents.summaries, summary ? PackKind::kSummary : PackKind::kWhole, file);
  const auto bytes = static_cast<double>(std::filesystem::file_size(file));
  const std::size_t trainings = contents.summaries.size();
  fmt::print("{}: {} of {} trainings, {:.1f} MB, {:.0f} bytes each\n", file, trainings,
             contents.plan.trainings.size(), bytes * 1e-6,
             bytes / static_cast<double>(std::max<std::size_t>(trainings, 1)));
  return kComplete;
}

}  // namespace impsweep

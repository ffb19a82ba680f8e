// impsweep merge: unites stores that were filled in different places.
#include "engine/store/merge.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "engine/commands/command.hpp"
#include "engine/store/index.hpp"
#include "io/error.hpp"
#include "io/human_text.hpp"

namespace impsweep {

int command_merge(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "merge DIR FROM...",
      "Copies results, jobs and event logs of other stores into DIR, each result read and validated;\n"
      "FROM is not changed. DIR is made if it is absent. The same recipe with another result is an\n"
      "error of determinism: both are kept, exit code 1. Stores of different numerics do not mix.\n\n"
      "Example: impsweep merge out /scratch/node1/out /scratch/node2/out");
  usage.positional = {{"store", 1}, {"from", -1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("store") == 0 || values->count("from") == 0)
    throw InputError("merge: it takes a store and at least one other; see `impsweep merge --help`");
  std::vector<Store> sources;
  for (const std::string& from : (*values)["from"].as<std::vector<std::string>>())
    sources.push_back(Store::open(from));
  const std::string directory = (*values)["store"].as<std::vector<std::string>>().front();
  std::optional<Store> there;
  if (std::filesystem::exists(std::filesystem::path(directory) / "store.toml"))
    there = Store::open(directory);
  require_mergeable(there ? &*there : nullptr, directory, sources);
  const Store store = Store::create_or_open(directory, sources.front().fingerprint());
  Merge merge;
  for (const Store& source : sources) merge_store(store, source, merge);
  const StoreContents contents = read_contents(store);
  StoreIndex(store, contents.plan).write(contents.summaries);
  for (const Discrepancy& discrepancy : merge.damaged)
    fmt::print("damaged    {}: {}\n", discrepancy.name, printable(discrepancy.reason));
  for (const Discrepancy& discrepancy : merge.different)
    fmt::print("different  {}: {}\n", discrepancy.name, printable(discrepancy.reason));
  fmt::print(
      "{} results copied, {} were there already, {} damaged, {} different; {} jobs and {} event logs "
      "copied\n",
      merge.copied, merge.already_there, merge.damaged.size(), merge.different.size(), merge.jobs,
      merge.logs);
  return merge.damaged.empty() && merge.different.empty() ? kComplete : kFailed;
}

}  // namespace impsweep

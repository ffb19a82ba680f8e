// impsweep verify: are all files of a store whole, and do two stores hold the same results?
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/commands/command.hpp"
#include "engine/store/verification.hpp"
#include "io/error.hpp"
#include "io/human_text.hpp"

namespace impsweep {

int command_verify(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "verify DIR [--against DIR2] [--rerun FRACTION] [--json]",
      "Reads every result of a store, compares lengths, checksums and digests, and counts what its jobs "
      "still\n"
      "miss. --against compares all results with those of another store, bit by bit, provenance (host, "
      "times)\n"
      "aside. --rerun recomputes a random part of the trainings and compares bits. Nothing is changed.\n"
      "Exit code 1 if something is damaged or differs.\n\n"
      "Example: impsweep verify out --against copy --rerun 0.01");
  usage.options.add_options()("against", options::value<std::string>(), "store to compare with")(
      "rerun", options::value<double>()->default_value(0), "part of the trainings to recompute, 0 to 1")(
      "json", "one JSON object instead of text");
  usage.positional = {{"store", 1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("store") == 0) throw InputError("verify: no store given; see `impsweep verify --help`");
  const double fraction = (*values)["rerun"].as<double>();
  if (!(fraction >= 0 && fraction <= 1)) throw InputError("verify: --rerun {} is outside 0..1", fraction);

  const Store store = Store::open((*values)["store"].as<std::vector<std::string>>().front());
  Verification verification = verify_store(store);
  if (values->count("against") != 0)
    compare_stores(verification, Store::open((*values)["against"].as<std::string>()));
  if (fraction > 0) rerun_part(verification, store, fraction);

  if (values->count("json") != 0) {
    const auto list = [](const std::vector<Discrepancy>& discrepancies) {
      nlohmann::json array = nlohmann::json::array();
      for (const Discrepancy& discrepancy : discrepancies)
        array.push_back(
            {{"training", discrepancy.name}, {"digest", discrepancy.digest}, {"reason", discrepancy.reason}});
      return array;
    };
    fmt::print("{}\n", nlohmann::json{{"ok", verification.ok()},
                                      {"trainings", verification.results.size()},
                                      {"missing", verification.missing},
                                      {"recomputed", verification.recomputed},
                                      {"damaged", list(verification.damaged)},
                                      {"different", list(verification.different)},
                                      {"digest", verification.digest()}}
                           .dump(2));
  } else {
    for (const Discrepancy& discrepancy : verification.damaged)
      fmt::print("damaged    {}: {}\n", discrepancy.name, printable(discrepancy.reason));
    for (const Discrepancy& discrepancy : verification.different)
      fmt::print("different  {}: {}\n", discrepancy.name, printable(discrepancy.reason));
    fmt::print("{} results, {} damaged, {} different, {} recomputed, {} still to be trained\ndigest {}\n",
               verification.results.size(), verification.damaged.size(), verification.different.size(),
               verification.recomputed, verification.missing, verification.digest());
    if (!verification.damaged.empty() && !store.is_pack())
      fmt::print(
          "To mend it, remove {} and run the jobs again: damaged results go to quarantine and are computed "
          "anew.\n",
          (store.directory() / "summaries.h5").string());
  }
  return verification.ok() ? kComplete : kFailed;
}

}  // namespace impsweep

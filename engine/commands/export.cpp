// impsweep export: a store's results as tidy tables.
#include <fmt/format.h>

#include <cstdio>

#include "engine/commands/command.hpp"
#include "engine/plan/chain_lookup.hpp"
#include "engine/store/index.hpp"
#include "engine/store/tables.hpp"
#include "engine/store/ticket.hpp"
#include "io/error.hpp"
#include "io/files.hpp"

namespace impsweep {
namespace {

int export_ticket(const Store& store, const Plan& plan, const std::string& chain, const std::string& round,
                  const std::filesystem::path& output, bool with_compact) {
  const TrainingIndex training = find_round(plan, chain, round, store.directory().string());
  if (!store.has(plan.trainings[training].digest))
    throw InputError("{}: {} is not finished yet; `impsweep status {}` shows what is",
                     store.directory().string(), training_name(plan, training), store.directory().string());
  const TensorFile ticket = make_ticket(store, plan, training, with_compact);
  const std::string suffix = output.extension().string();
  if (suffix == ".pt" || suffix == ".pth") {
    const std::vector<char> bytes = torch_file(ticket);
    write_output(output, std::as_bytes(std::span(bytes)));
  } else if (suffix == ".h5" || suffix == ".hdf5") {
    write_output(output, hdf5_file(ticket));
  } else {
    throw InputError("export: {} ends neither in .pt (PyTorch) nor in .h5 (HDF5)", output.string());
  }
  return kComplete;
}

}  // namespace

int command_export(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "export DIR rounds|curves|inputs|layers [--with KEY]... [--format csv|json] [--output FILE]\n"
      "       impsweep export DIR ticket --chain ID --round K --output FILE.pt|FILE.h5 [--compact]",
      "Writes the finished part of a store as one tidy table:\n"
      "  rounds   one row per finished round of every chain, every scalar a column\n"
      "  curves   one row per evaluation: learning curves of every round\n"
      "  inputs   one row per input and round: sum of |weight| into the first layer, weights left\n"
      "  layers   one row per tensor and round: weights left, those on a path from an input to an output\n"
      "or one round's ticket, its mask, initial and best weights, for PyTorch's torch.load() or as HDF5:\n"
      "  ticket   file[\"mask\"], [\"initial\"], [\"best\"], each by tensor, [\"actor.0.weight\"] for "
      "example;\n"
      "           with --compact also file[\"compact\"], smaller dense networks that act as the best ones "
      "do,\n"
      "           and file[\"inputs\"][\"observation\"], 1 for each feature of the observation that they are "
      "shown\n\n"
      "Example: impsweep export out rounds --output rounds.csv");
  usage.options.add_options()("format", options::value<std::string>()->default_value("csv"), "csv or json")(
      "with", options::value<std::vector<std::string>>()->composing(),
      "also a column of this setting, e.g. --with ppo.learning_rate; may be repeated")(
      "output", options::value<std::string>(), "file to write; standard output if absent")(
      "compact", options::bool_switch(), "ticket: also as smaller dense networks")(
      "chain", options::value<std::string>(), "ticket: its chain")("round", options::value<std::string>(),
                                                                   "ticket: its round");
  usage.positional = {{"words", -1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  const auto words = values->count("words") != 0 ? (*values)["words"].as<std::vector<std::string>>()
                                                 : std::vector<std::string>();
  if (words.size() != 2)
    throw InputError(
        "export: expected a store and one of rounds, curves, inputs, layers, ticket; see `impsweep export "
        "--help`");
  const std::string format = (*values)["format"].as<std::string>();
  if (format != "csv" && format != "json")
    throw InputError("export: --format {} is neither csv nor json", format);

  const Store store = Store::open(words[0]);
  const Plan plan = plan_of_store(store);
  require_jobs(store, plan);
  if (words[1] == "ticket") {
    require_weights(store, "export ... ticket");
    for (const char* needed : {"chain", "round", "output"})
      if (values->count(needed) == 0)
        throw InputError("export: a ticket needs --{}; see `impsweep export --help`", needed);
    return export_ticket(store, plan, (*values)["chain"].as<std::string>(),
                         (*values)["round"].as<std::string>(), (*values)["output"].as<std::string>(),
                         (*values)["compact"].as<bool>());
  }
  const auto with = values->count("with") != 0 ? (*values)["with"].as<std::vector<std::string>>()
                                               : std::vector<std::string>();
  Table table;
  if (words[1] == "rounds") {
    RoundSummaries summaries;
    read_summaries(store, plan, summaries);
    table = rounds_table(plan, summaries, with);
  } else if (words[1] == "curves") {
    table = curves_table(store, plan, with);
  } else if (words[1] == "inputs") {
    table = inputs_table(store, plan, with);
  } else if (words[1] == "layers") {
    table = layers_table(store, plan, with);
  } else {
    throw InputError("export: unknown table '{}'; known: rounds, curves, inputs, layers, ticket", words[1]);
  }
  const std::string text = format == "csv" ? to_csv(table) : to_json(table);
  if (values->count("output") != 0)
    write_output((*values)["output"].as<std::string>(), bytes_of(text));
  else
    fmt::print("{}", text);
  return kComplete;
}

}  // namespace impsweep

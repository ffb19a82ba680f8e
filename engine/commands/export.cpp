// impsweep export: a store's results as tidy tables.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "engine/commands/command.hpp"
#include "engine/plan/chain_lookup.hpp"
#include "engine/store/index.hpp"
#include "engine/store/ticket.hpp"
#include "io/error.hpp"
#include "io/files.hpp"

namespace impsweep {
namespace {

// Columns that grow row by row.
struct LongTable {
  std::vector<std::string> chain, name;
  std::vector<std::int64_t> round, key;
  std::vector<double> density, first, second;
};

template <class Visit>
void for_each_finished_round(const Store& store, const Plan& plan, Visit visit) {
  const Digests finished = store.finished();
  for (const Chain& chain : plan.chains) {
    for (const TrainingIndex training : chain.rounds) {
      if (!finished.contains(plan.trainings[training].digest.digits())) continue;
      if (const std::optional<Record> record = store.load(plan.trainings[training].digest))
        visit(chain, plan.trainings[training], *record);
    }
  }
}

Table curves_table(const Store& store, const Plan& plan) {
  LongTable rows;
  for_each_finished_round(store, plan,
                          [&](const Chain& chain, const TrainingNode& node, const Record& record) {
                            const auto& step = record.values<std::int64_t>("curve/step");
                            const std::vector<double> mean = curve_means(record);
                            const auto& deviation = record.values<double>("curve/deviation");
                            for (std::size_t i = 0; i < step.size(); ++i) {
                              rows.chain.push_back(chain.name);
                              rows.round.push_back(node.round);
                              rows.density.push_back(node.density);
                              rows.key.push_back(step[i]);
                              rows.first.push_back(mean[i]);
                              rows.second.push_back(std::isnan(mean[i]) ? mean[i] : deviation.at(i));
                            }
                          });
  return {{{"chain", rows.chain},
           {"round", rows.round},
           {"density", rows.density},
           {"step", rows.key},
           {"mean_return", rows.first},
           {"deviation", rows.second}}};
}

Table inputs_table(const Store& store, const Plan& plan) {
  LongTable rows;
  std::vector<std::int64_t> kept;
  for_each_finished_round(
      store, plan, [&](const Chain& chain, const TrainingNode& node, const Record& record) {
        const auto& magnitude = record.values<double>("result/input_magnitude");
        const ModelSpec model = model_of(plan.settings[node.settings]);
        const RoundResult round = read_round(record, model);
        const std::vector<std::int64_t> left = kept_per_input(tensors_of(model), round.mask);
        const auto& names = find_task(chain.task)->observation_names;
        for (std::size_t i = 0; i < magnitude.size(); ++i) {
          rows.chain.push_back(chain.name);
          rows.round.push_back(node.round);
          rows.density.push_back(node.density);
          rows.key.push_back(static_cast<std::int64_t>(i));
          rows.name.push_back(i < names.size() ? names[i] : fmt::format("input {}", i));
          rows.first.push_back(magnitude[i]);
          kept.push_back(left[i]);
        }
      });
  return {{{"chain", rows.chain},
           {"round", rows.round},
           {"density", rows.density},
           {"input", rows.key},
           {"name", rows.name},
           {"magnitude", rows.first},
           {"kept", kept}}};
}

int export_ticket(const Store& store, const Plan& plan, const std::string& chain, const std::string& round,
                  const std::filesystem::path& output) {
  const TrainingIndex training = find_round(plan, chain, round, store.directory().string());
  if (!store.has(plan.trainings[training].digest))
    throw InputError("{}: {} is not finished yet; `impsweep status {}` shows what is",
                     store.directory().string(), training_name(plan, training), store.directory().string());
  const TensorFile ticket = make_ticket(store, plan, training);
  const std::string suffix = output.extension().string();
  if (suffix == ".pt" || suffix == ".pth") {
    const std::vector<char> bytes = torch_file(ticket);
    replace_atomically(output, std::as_bytes(std::span(bytes)));
  } else if (suffix == ".h5" || suffix == ".hdf5") {
    replace_atomically(output, hdf5_file(ticket));
  } else {
    throw InputError("export: {} ends neither in .pt (PyTorch) nor in .h5 (HDF5)", output.string());
  }
  return kComplete;
}

}  // namespace

int command_export(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "export DIR rounds|curves|inputs [--format csv|json] [--output FILE]\n"
      "       impsweep export DIR ticket --chain ID --round K --output FILE.pt|FILE.h5",
      "Writes the finished part of a store as one tidy table:\n"
      "  rounds   one row per finished round of every chain, every scalar a column\n"
      "  curves   one row per evaluation: learning curves of every round\n"
      "  inputs   one row per input and round: sum of |weight| into the first layer, weights left\n"
      "or one round's ticket, its mask, initial and best weights, for PyTorch's torch.load() or as HDF5:\n"
      "  ticket   file[\"mask\"], [\"initial\"], [\"best\"], each by tensor, [\"actor.0.weight\"] for "
      "example\n\n"
      "Example: impsweep export out rounds --output rounds.csv");
  usage.options.add_options()("format", options::value<std::string>()->default_value("csv"), "csv or json")(
      "output", options::value<std::string>(), "file to write; standard output if absent")(
      "chain", options::value<std::string>(), "ticket: its chain")("round", options::value<std::string>(),
                                                                   "ticket: its round");
  usage.positional = {{"words", -1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  const auto words = values->count("words") != 0 ? (*values)["words"].as<std::vector<std::string>>()
                                                 : std::vector<std::string>();
  if (words.size() != 2)
    throw InputError(
        "export: expected a store and one of rounds, curves, inputs, ticket; see `impsweep export --help`");
  const std::string format = (*values)["format"].as<std::string>();
  if (format != "csv" && format != "json")
    throw InputError("export: --format {} is neither csv nor json", format);

  const Store store = Store::open(words[0]);
  const Plan plan = plan_of_store(store);
  if (words[1] == "ticket") {
    for (const char* needed : {"chain", "round", "output"})
      if (values->count(needed) == 0)
        throw InputError("export: a ticket needs --{}; see `impsweep export --help`", needed);
    return export_ticket(store, plan, (*values)["chain"].as<std::string>(),
                         (*values)["round"].as<std::string>(), (*values)["output"].as<std::string>());
  }
  Table table;
  if (words[1] == "rounds") {
    RoundSummaries summaries;
    read_summaries(store, plan, summaries);
    table = rounds_table(plan, summaries);
  } else if (words[1] == "curves") {
    table = curves_table(store, plan);
  } else if (words[1] == "inputs") {
    table = inputs_table(store, plan);
  } else {
    throw InputError("export: unknown table '{}'; known: rounds, curves, inputs, ticket", words[1]);
  }
  const std::string text = format == "csv" ? to_csv(table) : to_json(table);
  if (values->count("output") != 0)
    replace_atomically((*values)["output"].as<std::string>(), bytes_of(text));
  else
    fmt::print("{}", text);
  return kComplete;
}

}  // namespace impsweep

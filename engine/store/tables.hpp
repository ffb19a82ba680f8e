// engine/store/tables.hpp - what is inside results, as tidy tables. Every row says of which chain and round
// it is: chain, round, task, algorithm, network, variant, baseline, seed, density.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/plan/plan.hpp"
#include "io/store.hpp"
#include "io/table.hpp"

namespace impsweep {

// One row per evaluation: step, mean_return and deviation, NaN where no episode ended.
Table curves_table(const Store&, const Plan&, const std::vector<std::string>& with = {});

// One row per input of the first network: its name, the sum of absolute weights into the first layer, weights
// kept, and those of them on a path to an output (engine/imp/effective.hpp).
Table inputs_table(const Store&, const Plan&, const std::vector<std::string>& with = {});

// One row per tensor: entries, entries kept, those of them on a path from an input to an output, and the sum
// and the mean of the absolute values that are kept, of the best checkpoint.
Table layers_table(const Store&, const Plan&, const std::vector<std::string>& with = {});

// Adds a column for each key, by rows of these settings (indices into Plan::settings): the value as a job
// file has it, empty where the settings have no such key. Throws InputError, with the nearest key, for one
// that no settings have.
void add_setting_columns(const Plan&, const std::vector<std::uint32_t>& settings,
                         const std::vector<std::string>& keys, Table&);

}  // namespace impsweep

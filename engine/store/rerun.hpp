// engine/store/rerun.hpp - a finished training computed again and compared to the bit.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "engine/training/training.hpp"
#include "io/record.hpp"

namespace impsweep {

// A finished training, computed again.
struct Recomputation {
  std::string name;      // of the training, for people
  bool complete = true;  // false: it was stopped before its end
  // The first place that differs from what is stored, provenance aside; "training" if it now fails.
  std::optional<Difference> difference;
};

// `stored` is the training's record; `load` gives the records of those that it depends on.
Recomputation recompute(const Plan&, TrainingIndex, const RoundLoader& load, Backend, const Record& stored,
                        const StopQuestion&);

// Trains what a round file says. What it depends on is looked for in `store`, or in the store that the file
// lies in (DIR/rounds/xx/<digest>.h5). If that store's jobs ask for this training, they say how it is done;
// else its recipe does. InputError with the remedy if the file is damaged, if this version or this machine
// computes other bits, or if something that it depends on is missing.
Recomputation rerun_file(const std::filesystem::path& file, const std::optional<std::filesystem::path>& store,
                         const StopQuestion&);

}  // namespace impsweep

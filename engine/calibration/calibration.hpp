// engine/calibration/calibration.hpp - the rates of this machine: measured in a second, then kept.
//
// Measured is what trainings do most, one small piece for each group of rates: passes of a dense and of a
// sparse network under a mask, steps of the optimizer, of classic tasks and boards, and of a robot. Each is
// repeated, the pieces in turn, and the shortest time of each counts, in seconds of this thread: so other
// programs on the machine disturb little.
//
// The result is kept by machine and build in a file of the user's cache: $XDG_CACHE_HOME/impsweep, or
// ~/.cache/impsweep. A file that is damaged, of another build or out of reach is as good as none; one that
// cannot be written is not missed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "engine/plan/rates.hpp"

namespace impsweep {

// Takes about `seconds`.
Rates measure_rates(double seconds = 1.0);

// Where the rates of this machine and build are kept; nothing if the user has no home.
std::optional<std::filesystem::path> rates_file();

// What is kept, or nothing.
std::optional<Rates> kept_rates();
void keep_rates(const Rates&);

// As text: what keep_rates() writes and kept_rates() reads. Nothing of what is not whole, or of another key.
std::string rates_text(const Rates&, const std::string& key);
std::optional<Rates> read_rates(const std::string& text, const std::string& key);

// Kept, or else measured and kept.
Rates calibrated_rates();
// Kept, or else those that are shipped for this kind of processor; never measures.
Rates known_rates();

}  // namespace impsweep

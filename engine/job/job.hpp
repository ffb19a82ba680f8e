// engine/job/job.hpp - from job files to points of the grid, with every setting resolved.
//
// The grid of a sweep is tasks x algorithms x networks x variants x baselines x seeds. Keys of a sweep:
//   tasks, algorithms     lists of names                          required
//   seeds                 a number N for 0..N-1, or a list        required
//   baselines             list of names                           default: all four
//   rounds                trainings of a chain (also imp.rounds)  default: the paper's for the task
//   name                  addresses the sweep in --set            default: none
//   master_seed           of all random streams                   default: 0
//   network.hidden        one network, or a list of networks      default: the paper's for the task
// and every key of engine/job/settings.hpp; net.* is read as network.*. A [[sweep.variant]] has a name of its
// own and may change rounds, network.hidden and every key of the settings. KEY = {grid = [...]} makes any key
// of the settings an axis: a variant for each value, called "last-part-of-key=value".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/imp/baseline.hpp"
#include "engine/job/settings.hpp"
#include "io/job_file.hpp"

namespace impsweep {

// One task, algorithm, network and variant of a sweep: everything but baseline and seed.
struct GridPoint {
  std::string sweep, variant = "default";
  std::string place;  // of the sweep, for messages
  Settings settings;
  std::vector<Baseline> baselines;
  std::vector<std::int64_t> seeds;
  int rounds = 0;
};

// All points, in the order of the files. `overrides` (--set) win over sweeps and variants; "NAME.key"
// addresses the sweeps called NAME. Throws InputError for everything that is not understood, has no effect,
// or is impossible. A data set that cannot be read is an error as well, or told in `missing_data` if that is
// given, and then has no content.
std::vector<GridPoint> resolve(std::span<const JobFile>, std::span<const JobEntry> overrides = {},
                               std::vector<std::string>* missing_data = nullptr);

// The points of a frozen job, each of whose keys was written out by the version that froze it. A key that it
// lacks is younger than that version, and has its declared default, which means what was done before there
// was such a key.
std::vector<GridPoint> resolve_frozen(const JobFile&);

// The points as a job file in which every value is written out, so that it means the same under any later
// defaults: resolve_frozen() of it gives the same points.
std::string frozen_job(std::span<const GridPoint>);

}  // namespace impsweep

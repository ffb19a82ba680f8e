// engine/store/index.hpp - what a store holds, as tables and as one file: index.h5, exports and packs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include "engine/store/contents.hpp"
#include "io/index_file.hpp"
#include "io/table.hpp"

namespace impsweep {

// One row per finished round of every chain, every scalar a column; rounds of several chains that are one
// training appear once per chain. Teachers are rows of chains called "expert-...", and tickets that only give
// their inputs (inputs.ticket_round) of chains called "ticket-...". `with`: keys of settings that become
// columns.
Table rounds_table(const Plan&, const RoundSummaries&, const std::vector<std::string>& with = {});

// index.h5 of a store that grows.
class StoreIndex {
 public:
  StoreIndex(const Store&, const Plan&);

  // Everything that is finished, in the order of the plan.
  void write(const RoundSummaries&);
  // The trainings that were finished since, at the end of the table; `summaries` has them and all others.
  // Everything if nothing was written yet.
  void add(std::span<const TrainingIndex> finished, const RoundSummaries& summaries);

 private:
  const Plan& plan_;
  // Chain and round of each use of a training, grouped by training: use_begin_[t] to use_begin_[t + 1].
  std::vector<std::size_t> use_begin_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> uses_;
  bool written_ = false;
  IndexFile file_;
};

// One file of the index's shape that holds the rounds themselves, the jobs and the fingerprint; or, in place
// of the rounds, all that tables and reports need of them (without_weights()) as columns.
enum class PackKind { kWhole, kSummary };
void write_pack(const Store&, const Plan&, const RoundSummaries&, PackKind, const std::filesystem::path&);

}  // namespace impsweep

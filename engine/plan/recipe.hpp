// engine/plan/recipe.hpp - everything that one training depends on, and nothing else. The result of a
// training is a pure function of its recipe; the recipe's digest names it in every store.
//
// Canonical bytes: one line "key = value" per entry, sorted by key, values in TOML, so the whole is a TOML
// document. Keys at their declared default are left out, and so are keys without influence on this training:
// those of other algorithms, imp.* in rounds that they do not reach, a baseline where all of them agree
// (round 0). Number of rounds, seeds, ranks and names that users chose never enter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/imp/baseline.hpp"
#include "engine/job/settings.hpp"
#include "engine/plan/training_id.hpp"

namespace impsweep {

struct Recipe {
  std::string task, algorithm;
  int task_semantics = 1, algorithm_semantics = 1;
  int imp_semantics = 0;  // 0 in rounds that nothing was pruned for
  std::uint64_t master_seed = 0;
  std::int64_t seed = 0;
  int round = 0;
  std::string baseline;                                   // empty where it has no influence
  std::optional<std::int64_t> kept;                       // number of kept weights, where the mask is drawn
  TrainingId mask_parent;                                 // training whose mask and weights are pruned
  TrainingId values_parent;                               // training that unpruned networks continue from
  TrainingId rewind_parent;                               // round 0 whose snapshot is the start
  TrainingId inputs_parent;                               // ticket that says which inputs are given
  TrainingId mask_from;                                   // round of another chain whose mask it has
  TrainingId teacher;                                     // teacher_digest() of the teacher's candidates
  std::vector<std::pair<std::string, std::string>> keys;  // sorted; values in TOML

  friend bool operator==(const Recipe&, const Recipe&) = default;
};

std::string canonical_bytes(const Recipe&);

// First 32 digits of the SHA-256 of the canonical bytes.
TrainingId digest_of(const Recipe&);
TrainingId digest_of_bytes(std::string_view canonical);

// Inverse of canonical_bytes. Throws InputError naming `origin` (e.g. a file) if the bytes are not canonical.
Recipe parse_recipe(std::string_view canonical, const std::string& origin);

// The settings that a recipe stands for; keys without influence have their declared defaults. Throws
// InputError if this version does not know the task, a key or a semantics number.
Settings settings_of(const Recipe&, const std::string& origin);

// Whether a key can change a result of such settings at all: it is no mere place on this machine or choice
// between two ways to the same bits, and not idle as long as the other keys are what they are.
bool has_bearing(std::string_view key, const Settings&);

// Names a choice of teacher: these candidates in this order, the highest re-evaluated return, the first wins.
TrainingId teacher_digest(const std::vector<TrainingId>& candidates);

// Whether the mask of a round changes while it learns. A first round that keeps everything is the dense
// training of all other chains.
bool changes_mask(const Settings&, int round);

// What a round of a chain depends on besides its settings and seed.
struct Influences {
  std::optional<Baseline> baseline;
  bool kept = false, mask_parent = false, values_parent = false, rewind_parent = false;
  bool inputs_parent = false, mask_from = false;
};
Influences influences(const Settings&, Baseline, int round);

// The recipe without kept, parents and teacher, which the plan knows.
Recipe recipe_template(const Settings&, Baseline, int round, std::int64_t seed);

// Environment steps of the training of a round.
std::int64_t training_steps(const Settings&, int round);

}  // namespace impsweep

// engine/job/key_catalogue.hpp - every key that a job file may hold, with all that is known of it.
//
// Nothing is written here twice: type, range, default and help of a key are its declaration, and who has it
// is found by asking every task and algorithm for its settings. Only the keys of a sweep itself, which are
// read one by one (engine/job/job.cpp), are described here.
//
// Tasks that share keys of their own are a family: "minatar" stands for its five games, "locomotion" for the
// four robots.
#pragma once

#include <string>
#include <vector>

#include "envs/option.hpp"

namespace impsweep {

// A key of [[sweep]] or [[sweep.variant]] that is no setting.
struct SweepKey {
  std::string key, type, fallback, place, help;
};
std::vector<SweepKey> sweep_keys();

// What a task and algorithm have for a key if a job says nothing; the value in TOML.
struct KeyUse {
  std::string task, algorithm, value;
};

struct KeyEntry {
  Option option;
  std::vector<KeyUse> uses;  // never empty

  std::string sources() const;          // of its defaults: "paper, tables 3, 5 and 7; ours" (sources.hpp)
  std::string section() const;          // the first word of the key
  bool has_one_value() const;           // the same for all that have it
  bool is_of_teacher() const;           // "teacher.ppo.epochs"
  std::string without_teacher() const;  // "ppo.epochs"
};

// All keys, those of a section together.
std::vector<KeyEntry> all_key_entries();

// "all", "bc, ppo", "all on mazegrid", "bc on cartpole, acrobot; ppo".
std::string users_text(const KeyEntry&);

// Whether a teacher's key is declared like the key without prefix, and has the default of its algorithm.
bool is_like_own_key(const KeyEntry&, const std::vector<KeyEntry>&);

// In the order of their tasks.
std::vector<std::string> task_families();

// What algorithms have for a key, by family; empty where they do not learn it.
struct ValueRow {
  std::string key;
  std::vector<std::string> algorithms, values;
};

// The keys whose defaults are not the same everywhere, but for those of teachers.
std::vector<ValueRow> values_by_task(const std::vector<KeyEntry>&);

}  // namespace impsweep

// io/job_file.hpp - a job file as a list of keys with values and places; what the keys mean is decided by the
// reader's caller.
//
//   [[sweep]]                     one JobSweep each
//   tasks = ["cartpole"]          entry "tasks"
//   ppo.epochs = 4                entry "ppo.epochs"; tables inside a sweep are flattened to dotted keys
//   [[sweep.variant]]             one JobVariant of the sweep above
//   network.init = "xavier"
//
// Format: TOML 1.0 (library toml++).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace impsweep {

// A value as it stands in the file; lists may be nested and mixed.
struct JobValue {
  using List = std::vector<JobValue>;
  std::variant<bool, std::int64_t, double, std::string, List> data;
  bool written_as_real = false;  // an integer that was written as a real: 1e5, 5.0

  template <class T>
  const T* get() const {
    return std::get_if<T>(&data);
  }
  friend bool operator==(const JobValue& a, const JobValue& b) { return a.data == b.data; }
};

struct JobEntry {
  std::string key;  // flattened: "ppo.epochs"
  JobValue value;
  std::string place;     // where it stands, for messages: "cartpole.toml:12"
  bool is_axis = false;  // set by who knows the keys: the value lists several, one after the other
};

struct JobVariant {
  std::vector<JobEntry> entries;  // in the order of their lines
  std::string place;
};

struct JobSweep {
  std::vector<JobEntry> entries;
  std::vector<JobVariant> variants;
  std::string place;
};

struct JobFile {
  std::string path;
  std::vector<JobSweep> sweeps;
};

// Throw InputError "file:line: reason" with the remedy: not readable, not TOML, no [[sweep]], keys outside of
// one, empty tables and dates, which no option has.
JobFile read_job_file(const std::string& path);
JobFile parse_job(std::string_view text, const std::string& path);

// "key=value" of a --set flag: the value is TOML in which words need no quotes, e.g. network.init=xavier or
// tasks=[cartpole, acrobot].
JobEntry parse_assignment(const std::string& text);

// The value in TOML on one line; reals in their shortest exact form.
std::string to_toml(const JobValue&);

}  // namespace impsweep

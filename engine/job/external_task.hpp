// engine/job/external_task.hpp - tasks that a job names as environments of Gymnasium: "gymnasium:<id>" and
// "python:<file>:<class>". They become tasks like any other, called gymnasium-<id> and python-<class>.
//
// What such an environment is (spaces, versions, digests of files, whether its episodes repeat) is determined
// once, by Python, and then stands in the keys gymnasium.* of the settings: a frozen job that gives them
// needs no Python to be read.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/job/settings.hpp"
#include "io/job_file.hpp"

namespace impsweep {

// Files of Python that are named by the user, in a job or on the command line, may run from now on. Those
// that a store names must not without.
void trust_named_code();

// Python is waited for no longer than a moment once this says that the process is to stop.
void stop_waiting_when(bool (*stop_is_requested)());

// Whether a name in `tasks` means a task of this kind.
bool is_external_task(const std::string& name);

// Keys that external_task() takes; set_option() knows those of them that stand in frozen jobs and recipes.
bool is_external_key(std::string_view key);

// Those of them that the first run determines.
bool is_determined_key(std::string_view key);

// The task and its options as these entries of a sweep say, the first value of each axis; makes the task
// known (register_task). Where the entries do not say what the environment is, and the same was not asked
// before, Python is started, unless the job is a frozen one. Throws InputError "place: ...", or
// TaskUnavailable.
std::pair<std::string, TaskOptions> external_task(const std::string& name,
                                                  const std::vector<JobEntry>& entries,
                                                  const std::string& place, bool is_frozen);

// The name under which a task is known that a command names as jobs do: external_task() where it is one of
// these, else itself.
std::string known_name(const std::string& name, const std::string& place);

// Makes the task of a recipe known, by its keys and their values in TOML; does nothing for other tasks.
void register_task_of_recipe(const std::vector<std::pair<std::string, std::string>>& keys,
                             const std::string& origin);

// What a job calls the task of these settings.
std::string name_in_job(const Settings&);

// Whether a training of these settings gives the same result when it is computed again.
bool is_reproducible(const Settings&);

}  // namespace impsweep

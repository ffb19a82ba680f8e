// engine/job/data_set.hpp - the labelled images that a task without an environment is learned from. A recipe
// names them by the digest of what they are, digits.content; where they lie, digits.path, never enters.
#pragma once

#include <memory>
#include <string>

#include "engine/job/settings.hpp"
#include "envs/digits.hpp"

namespace impsweep {

// First 32 digits of the SHA-256 of shapes, pixels and labels, training before test: the same whether the
// files are compressed or not.
std::string content_of(const Digits&);

// Sets digits.content, where it is empty, to the digest of what lies in digits.path; does nothing for other
// tasks. Throws InputError "place: ..." with the remedy.
void identify_data_set(Settings&, const std::string& place);

// What lies in digits.path, or nothing for a task with an environment. Throws InputError with the remedy if
// it is not there, or is not what digits.content says. A process reads the same directory once.
std::shared_ptr<const Digits> load_data_set(const Settings&);

}  // namespace impsweep

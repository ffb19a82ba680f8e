// engine/job/key_reference.hpp - the catalogue of keys as people read it: the tables of docs/job-files.md,
// and the same as plain text.
#pragma once

#include <string>

namespace impsweep {

// For a terminal: sections by the first word of the key, two lines for each key.
std::string key_reference_text();

// Headings of the third level and tables, as they stand between the markers of docs/job-files.md.
std::string key_reference_markdown();

}  // namespace impsweep

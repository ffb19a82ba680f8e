// engine/training/version.hpp - which version of the program this is. The definitions are made at every build
// from CMakeLists.txt and git (cmake/version.cmake), so that a new commit compiles one small file.
#pragma once

namespace impsweep {

// "0.1.0": project(VERSION) of CMakeLists.txt.
const char* program_version();

// The git commit that the program was built from, 12 digits; "+changes" follows if sources differed from it.
// "unknown" if it was built outside of a git repository.
const char* program_commit();

}  // namespace impsweep

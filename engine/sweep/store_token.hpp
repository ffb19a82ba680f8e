// engine/sweep/store_token.hpp - proof that all ranks see one store. A path may lead to a directory of the
// same name on each node; results would then lie where nobody looks for them.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "io/store.hpp"

namespace impsweep {

// A file that rank 0 keeps in its store while the ranks find each other: one of our temporary files, so that
// one left behind by a kill goes with them.
class StoreToken {
 public:
  explicit StoreToken(const Store&);
  ~StoreToken();
  StoreToken(const StoreToken&) = delete;
  StoreToken& operator=(const StoreToken&) = delete;

  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::filesystem::path path_;
};

// Waits until the token shows in this directory, as network file systems take their time. Throws InputError
// with the remedy if it does not.
void require_token(const std::filesystem::path& store, const std::string& name,
                   std::chrono::milliseconds patience);

}  // namespace impsweep

#include "io/index_file.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "io/files.hpp"

namespace impsweep {

void IndexFile::add_links(const std::vector<IndexLink>& links) {
  for (const IndexLink& link : links) {
    if ((link.chain + link.round).find('/') != std::string::npos)
      throw std::invalid_argument(
          fmt::format("index: '{}', '{}': a name with a slash", link.chain, link.round));
    writer_.external_link(fmt::format("chains/{}/{}", link.chain, link.round), link.file, "/");
  }
}

void IndexFile::replace(const Table& rounds, const std::vector<IndexLink>& links) {
  writer_ = Hdf5Writer();
  writer_.growing_table("rounds", rounds);
  writer_.group("chains");
  add_links(links);
  replace_atomically(path_, writer_.image());
}

bool IndexFile::append(const Table& rounds, const std::vector<IndexLink>& links) {
  if (!writer_.append_rows("rounds", rounds)) return false;
  add_links(links);
  replace_atomically(path_, writer_.image());
  return true;
}

}  // namespace impsweep

#include "io/index_file.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "io/files.hpp"
#include "io/hdf5_writer.hpp"

namespace impsweep {

void write_index_file(const std::filesystem::path& path, const Table& rounds,
                      const std::vector<IndexLink>& links) {
  Hdf5Writer writer;
  writer.table("rounds", rounds);
  writer.group("chains");
  for (const IndexLink& link : links) {
    if ((link.chain + link.round).find('/') != std::string::npos)
      throw std::invalid_argument(
          fmt::format("index: '{}', '{}': a name with a slash", link.chain, link.round));
    writer.external_link(fmt::format("chains/{}/{}", link.chain, link.round), link.file, "/");
  }
  replace_atomically(path, writer.image());
}

}  // namespace impsweep

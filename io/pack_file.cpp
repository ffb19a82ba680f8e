#include "io/pack_file.hpp"

#include <fstream>
#include <functional>
#include <map>

#include "io/digest.hpp"
#include "io/error.hpp"
#include "io/files.hpp"
#include "io/hdf5.hpp"
#include "io/record_columns.hpp"

namespace impsweep {

struct PackFile::Impl {
  Hdf5File file;
  Fingerprint fingerprint, pins;
  std::vector<std::pair<std::string, std::string>> jobs;
  std::map<std::string, std::string, std::less<>> groups;      // of results, by digest
  std::optional<RecordColumns> columns;                        // without weights: all results
  std::map<std::string, std::size_t, std::less<>> in_columns;  // and their places, by digest

  explicit Impl(Hdf5File opened) : file(std::move(opened)) {}
};

namespace {

constexpr const char* kChains = "chains";

bool begins_like_hdf5(const std::filesystem::path& path) {
  constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
  std::ifstream file(path, std::ios::binary);
  std::string beginning(kSignature.size(), '\0');
  file.read(beginning.data(), std::ssize(beginning));
  return beginning == kSignature;
}

// Proved whole first where the file says how.
Hdf5File open_pack(const std::filesystem::path& path) {
  if (!begins_like_record(path) && !begins_like_hdf5(path))
    throw InputError("{}: is a file and no pack, a store is a directory; give the path of a store or a pack",
                     path.string());
  if (!begins_like_record(path)) return Hdf5File::open_readonly(path);
  const Bytes bytes = read_file(path);
  validate_record(bytes, path.string());
  return Hdf5File::open_image(bytes, path.string());
}

// Texts that stand as attributes of a group.
std::vector<std::pair<std::string, std::string>> texts_of(const Hdf5File& file, const std::string& group) {
  std::vector<std::pair<std::string, std::string>> texts;
  if (!file.exists(group) || !file.is_group(group)) return texts;
  for (const std::string& name : file.attribute_names(group))
    texts.emplace_back(name, file.attribute_string(group, name));
  return texts;
}

}  // namespace

PackFile::PackFile(const std::filesystem::path& path) {
  Hdf5File file = open_pack(path);
  if (!file.exists(kPackTable) || (!file.exists(kChains) && !file.exists(kPackRecords)))
    throw InputError("{}: is neither a store nor a pack; `impsweep pack DIR FILE.h5` makes one",
                     path.string());
  impl_ = std::make_unique<Impl>(std::move(file));
  const Hdf5File& opened = impl_->file;
  for (auto& [entry, value] : texts_of(opened, "fingerprint")) impl_->fingerprint[entry] = value;
  for (auto& [entry, value] : texts_of(opened, "numerics")) impl_->pins[entry] = value;
  impl_->jobs = texts_of(opened, "jobs");
  for (const auto& [digest, text] : impl_->jobs)
    if (sha256_hex(bytes_of(text)) != digest)
      throw InputError("{}: the text of job {} does not have the digest that names it; restore a copy",
                       path.string(), digest);
  if (opened.exists(kPackRecords)) {
    impl_->columns.emplace(opened, kPackRecords);
    for (std::size_t i = 0; i < impl_->columns->size(); ++i)
      impl_->in_columns.emplace(impl_->columns->record(i).text("", "digest"), i);
    return;
  }
  for (const std::string& chain : opened.children(kChains)) {
    const std::string group = fmt::format("{}/{}", kChains, chain);
    if (!opened.is_group(group)) continue;
    for (const std::string& round : opened.children(group)) {
      const std::string place = fmt::format("{}/{}", group, round);
      if (opened.is_group(place) && opened.has_attribute(place, "digest"))
        impl_->groups.emplace(opened.attribute_string(place, "digest"), place);
    }
  }
}

PackFile::~PackFile() = default;

bool PackFile::has_weights() const {
  return !impl_->columns;
}

const Fingerprint& PackFile::fingerprint() const {
  return impl_->fingerprint;
}

const Fingerprint& PackFile::pins() const {
  return impl_->pins;
}

const std::vector<std::pair<std::string, std::string>>& PackFile::jobs() const {
  return impl_->jobs;
}

std::vector<std::string> PackFile::digests() const {
  std::vector<std::string> digests;
  for (const auto& [digest, place] : impl_->groups) digests.push_back(digest);
  for (const auto& [digest, place] : impl_->in_columns) digests.push_back(digest);
  return digests;
}

bool PackFile::has(std::string_view digest) const {
  return impl_->groups.contains(digest) || impl_->in_columns.contains(digest);
}

std::optional<Record> PackFile::load(std::string_view digest, RecordPart part) const {
  if (const auto place = impl_->in_columns.find(digest); place != impl_->in_columns.end())
    return impl_->columns->record(place->second);
  const auto group = impl_->groups.find(digest);
  if (group == impl_->groups.end()) return std::nullopt;
  return read_record(impl_->file, group->second, part);
}

std::optional<Record> PackFile::load(std::string_view digest, std::span<const std::string> places) const {
  if (impl_->columns) return load(digest, RecordPart::kAll);
  const auto group = impl_->groups.find(digest);
  if (group == impl_->groups.end()) return std::nullopt;
  return read_record(impl_->file, group->second, places);
}

}  // namespace impsweep

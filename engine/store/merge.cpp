#include "engine/store/merge.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/store/contents.hpp"
#include "io/error.hpp"
#include "io/files.hpp"
#include "io/record_file.hpp"

namespace impsweep {
namespace {

void require_equal_numerics(const Store& store, const Store& source) {
  for (const auto& [entry, value] : source.fingerprint()) {
    const auto found = store.fingerprint().find(entry);
    if (found == store.fingerprint().end() || found->second != value)
      throw InputError("{}: was computed with {} = '{}', {} has '{}'; their results do not mix",
                       source.directory().string(), entry, value, store.directory().string(),
                       found == store.fingerprint().end() ? "" : found->second);
  }
}

// A log only grows, so of two copies the longer one holds the other.
bool merge_log(const std::filesystem::path& from, const std::filesystem::path& to) {
  const Bytes theirs = read_file(from);
  if (publish_new(to, theirs) == Published::kWritten) return true;
  const Bytes ours = read_file(to);
  if (theirs.size() <= ours.size() || !std::equal(ours.begin(), ours.end(), theirs.begin())) return false;
  replace_atomically(to, theirs);
  return true;
}

}  // namespace

void merge_store(const Store& store, const Store& source, Merge& merge) {
  require_equal_numerics(store, source);
  require_names_free(
      store, plan_of_store(source).points,
      "train one of the two under a [[sweep.variant]] with a name of its own, or let `report` show "
      "both stores side by side");
  for (const std::string& digest : source.finished()) {
    try {
      switch (store.publish(digest, read_result(source, digest))) {
        case Publication::kWritten:
          ++merge.copied;
          break;
        case Publication::kAlreadyThere:
          ++merge.already_there;
          break;
        case Publication::kDifferent:
          merge.different.push_back(
              {digest, digest,
               fmt::format("{} holds another result; it is kept in {}", source.directory().string(),
                           (store.directory() / "quarantine").string())});
      }
    } catch (const DamagedFile& damage) {
      merge.damaged.push_back({digest, digest, damage.what()});
    }
  }
  const std::vector<FrozenJob> known = store.jobs();
  for (const FrozenJob& job : source.jobs()) {
    merge.jobs += std::ranges::none_of(known, [&](const FrozenJob& k) { return k.digest == job.digest; });
    store.freeze_job(job.text);
  }
  for (const std::filesystem::path& log : source.event_logs())
    merge.logs += merge_log(log, store.directory() / "events" / log.filename());
}

}  // namespace impsweep

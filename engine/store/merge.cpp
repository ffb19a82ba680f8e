#include "engine/store/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "engine/job/external_task.hpp"
#include "engine/store/contents.hpp"
#include "io/error.hpp"
#include "io/files.hpp"
#include "io/record_file.hpp"

namespace impsweep {
namespace {

void require_equal_numerics(const Fingerprint& ours, const std::string& directory, const Store& source) {
  const auto text = [](const Fingerprint& entries, const std::string& entry) {
    const auto found = entries.find(entry);
    return found == entries.end() ? std::string("nothing") : "'" + found->second + "'";
  };
  Fingerprint all = ours;
  all.insert(source.fingerprint().begin(), source.fingerprint().end());
  for (const auto& [entry, value] : all)
    if (text(ours, entry) != text(source.fingerprint(), entry))
      throw InputError("{}: was computed with {} = {}, {} has {}; their results do not mix",
                       source.directory().string(), entry, text(source.fingerprint(), entry), directory,
                       text(ours, entry));
}

void require_equal_pins(Fingerprint& ours, const std::string& directory, const Store& source) {
  for (const auto& [entry, value] : source.pins())
    if (const auto [known, is_new] = ours.emplace(entry, value); !is_new && known->second != value)
      throw InputError("{}: has results computed with {} {}, {} some with {}; they do not mix",
                       source.directory().string(), entry, value, directory, known->second);
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

void require_mergeable(const Store* store, const std::string& directory, std::span<const Store> sources) {
  const Fingerprint& ours = store != nullptr ? store->fingerprint() : sources.front().fingerprint();
  for (const Store& source : sources) require_weights(source, "merge");
  for (const Store& source : sources) require_equal_numerics(ours, directory, source);
  Fingerprint pins = store != nullptr ? store->pins() : Fingerprint();
  for (const Store& source : sources) require_equal_pins(pins, directory, source);
  constexpr const char* kRemedy =
      "train one of the two under a [[sweep.variant]] with a name of its own, or let `report` show both "
      "stores side "
      "by side";
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::vector<GridPoint> points = plan_of_store(sources[i]).points;
    if (store != nullptr) require_names_free(*store, points, kRemedy);
    for (std::size_t earlier = 0; earlier < i; ++earlier)
      require_names_free(sources[earlier], points, kRemedy);
  }
}

void merge_store(const Store& store, const Store& source, Merge& merge) {
  store.pin(source.pins());
  std::set<std::string, std::less<>> irreproducible;
  const Plan plan = plan_of_store(source);
  for (const TrainingNode& node : plan.trainings)
    if (!is_reproducible(plan.settings[node.settings])) irreproducible.emplace(node.digest.digits());
  for (const std::string& digest : source.finished()) {
    std::optional<Record> theirs;
    try {
      theirs = read_result(source, digest);
    } catch (const InputError& damage) {
      merge.damaged.push_back({digest, digest, damage.what()});
      continue;
    }
    switch (store.publish(digest, *theirs)) {
      case Publication::kWritten:
        ++merge.copied;
        break;
      case Publication::kAlreadyThere:
        ++merge.already_there;
        break;
      case Publication::kDifferent:
        if (irreproducible.contains(digest)) {  // the first is kept
          ++merge.already_there;
          break;
        }
        merge.different.push_back(
            {digest, digest,
             fmt::format("{} holds another result; it is kept in {}", source.directory().string(),
                         (store.directory() / "quarantine").string())});
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

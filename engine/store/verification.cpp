#include "engine/store/verification.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/job/external_task.hpp"
#include "engine/store/contents.hpp"
#include "engine/store/rerun.hpp"
#include "engine/training/fingerprint.hpp"
#include "io/digest.hpp"
#include "io/error.hpp"

namespace impsweep {

std::string Verification::digest() const {
  Sha256 hash;
  for (const auto& [name, content] : results) hash.update(bytes_of(name + " " + content + "\n"));
  return hash.hex();
}

Record read_result(const Store& store, const std::string& digest) {
  Record record = store.is_pack() ? store.load(digest).value()
                                  : read_record_file(store.directory() / Store::round_file(digest));
  if (const TrainingId found = digest_of_bytes(record.text("", "recipe")); found != digest)
    throw DamagedFile(record.origin, fmt::format("it holds the recipe of another training, {}", found));
  require_whole_curve(record);
  return record;
}

Verification verify_store(const Store& store) {
  require_weights(store, "verify");
  Verification verification;
  const Plan plan = plan_of_store(store);
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    verification.names.emplace(plan.trainings[i].digest, training_name(plan, i));
    if (!is_reproducible(plan.settings[plan.trainings[i].settings]))
      verification.irreproducible.insert(std::string(plan.trainings[i].digest.digits()));
  }
  for (const std::string& digest : store.finished()) {
    verification.names.try_emplace(digest, digest);
    try {
      verification.results[digest] = content_digest(read_result(store, digest), kProvenance);
    } catch (const InputError& error) {
      verification.damaged.push_back({verification.names[digest], digest, error.what()});
    }
  }
  for (const TrainingNode& node : plan.trainings)
    verification.missing += !verification.results.contains(node.digest.digits());
  return verification;
}

void compare_stores(Verification& verification, const Store& other) {
  const Verification theirs = verify_store(other);
  for (const Discrepancy& discrepancy : theirs.damaged) verification.damaged.push_back(discrepancy);
  for (const auto& [digest, content] : verification.results) {
    const auto found = theirs.results.find(digest);
    const std::string name = verification.names.at(digest);
    if (found == theirs.results.end())
      verification.different.push_back(
          {name, digest, fmt::format("{} does not have it", other.directory().string())});
    else if (found->second != content && !verification.irreproducible.contains(digest))
      verification.different.push_back(
          {name, digest, fmt::format("{} holds another result", other.directory().string())});
  }
  for (const auto& [digest, content] : theirs.results)
    if (!verification.results.contains(digest))
      verification.different.push_back(
          {theirs.names.at(digest), digest, fmt::format("only {} has it", other.directory().string())});
}

void rerun_part(Verification& verification, const Store& store, double fraction) {
  const Backend backend = backend_with_numerics(store.fingerprint(), store.directory().string());
  const Plan plan = plan_of_store(store);
  const RoundLoader load = loader_from(store);
  std::vector<std::pair<std::string, TrainingIndex>> order;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i)
    if (verification.results.contains(plan.trainings[i].digest.digits()) &&
        is_reproducible(plan.settings[plan.trainings[i].settings]))
      order.emplace_back(sha256_hex(bytes_of(fmt::format("rerun {}", plan.trainings[i].digest.digits()))), i);
  std::ranges::sort(order);
  const auto wanted = static_cast<std::size_t>(fraction * static_cast<double>(order.size()) + 0.999999);
  order.resize(std::min(order.size(), wanted));
  for (const auto& [key, index] : order) {
    const TrainingId& digest = plan.trainings[index].digest;
    store.require_pins(numerics_of(task_of(plan, index), backend));
    const Recomputation again = recompute(plan, index, load, backend, load(digest, RecordPart::kAll),
                                          [](const TrainingProgress&) { return false; });
    ++verification.recomputed;
    if (again.difference)
      verification.different.push_back(
          {again.name, std::string(digest.digits()),
           fmt::format("recomputed, {} differs: {}", again.difference->place, again.difference->text)});
  }
}

}  // namespace impsweep

#include "engine/store/past_costs.hpp"

#include <map>
#include <optional>
#include <string>

#include "engine/store/contents.hpp"
#include "engine/store/summary_cache.hpp"
#include "engine/training/fingerprint.hpp"
#include "io/error.hpp"
#include "io/record.hpp"

namespace impsweep {
namespace {

constexpr int kOfEachClass = 8;        // trainings that are learned from
constexpr std::size_t kOpened = 2000;  // files at most, to answer within seconds

bool is_from_here(const Record& record) {
  static const std::map<std::string, std::string> kHere = provenance_texts(Backend::kNative);
  const auto agrees = [&](const char* name) {
    return record.has_attribute("provenance", name) && record.text("provenance", name) == kHere.at(name);
  };
  if (!agrees("instruction set") || !agrees("backend")) return false;
  return record.has_attribute("provenance", "processor") ? agrees("processor") : agrees("host");
}

}  // namespace

PastCosts learn_from(const Store& store, CostModel& model) {
  const Plan plan = plan_of_store(store);
  const CostClasses classes(plan);
  const Digests finished = store.finished();
  std::map<std::uint32_t, int> of_class;
  PastCosts past;
  std::size_t opened = 0;
  for (TrainingIndex i = 0; i < plan.trainings.size() && opened < kOpened; ++i) {
    const TrainingId& digest = plan.trainings[i].digest;
    if (!finished.contains(digest.digits()) || of_class[classes[i]] >= kOfEachClass) continue;
    const std::optional<Record> record = store.load(digest.digits(), RecordPart::kAttributes);
    ++opened;
    if (!record) continue;
    ++of_class[classes[i]];
    if (!is_from_here(*record)) {
      ++past.elsewhere;
      continue;
    }
    model.observe(classes.of(i), record->number("provenance", "cpu_seconds"));
    ++past.learned;
  }
  return past;
}

}  // namespace impsweep

#include "engine/plan/identity.hpp"

#include <fmt/format.h>

#include <map>

#include "engine/plan/recipe.hpp"

namespace impsweep {

std::string ChainGroup::name() const {
  return task + " " + algorithm + " " + network + (variant == "default" ? "" : " " + variant);
}

ChainGroup group_of(const GridPoint& point) {
  const Settings& settings = point.settings;
  return {settings.task, settings.algorithm, network_name(settings.agent.network), point.variant};
}

std::string differences(const Settings& a, const Settings& b, std::size_t most) {
  std::string text;
  std::size_t found = 0;
  const auto note = [&](std::string_view key, const std::string& first, const std::string& second) {
    if (found++ >= most) return;
    text += fmt::format("{}{} = {} and {}", text.empty() ? "" : ", ", key, first, second);
  };
  if (a.master_seed != b.master_seed)
    note("master_seed", std::to_string(a.master_seed), std::to_string(b.master_seed));
  const std::vector<OptionState> left = list_settings(a), right = list_settings(b);
  for (std::size_t i = 0; i < left.size(); ++i) {
    const std::string& key = left[i].option.key;
    if (left[i].value == right[i].value || !has_bearing(key, a) || !has_bearing(key, b)) continue;
    note(key, canonical_text(left[i].value), canonical_text(right[i].value));
  }
  if (found > most) text += fmt::format(" and {} more", found - most);
  return text;
}

std::vector<IdentityClash> identity_clashes(const std::vector<GridPoint>& known,
                                            const std::vector<GridPoint>& points) {
  std::vector<IdentityClash> clashes;
  std::map<ChainGroup, const GridPoint*> first;
  for (const GridPoint& point : known) first.emplace(group_of(point), &point);
  for (const GridPoint& point : points) {
    const auto [owner, is_new] = first.emplace(group_of(point), &point);
    if (is_new) continue;
    std::string keys = differences(point.settings, owner->second->settings);
    if (!keys.empty()) clashes.push_back({owner->second, &point, std::move(keys)});
  }
  return clashes;
}

}  // namespace impsweep

#include "engine/plan/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
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

namespace {

template <class Counts>
std::vector<SettingDifference> differing(const Settings& a, const Settings& b, Counts counts) {
  std::vector<SettingDifference> found;
  if (a.master_seed != b.master_seed)
    found.push_back({"master_seed", std::to_string(a.master_seed), std::to_string(b.master_seed)});
  const std::vector<OptionState> left = list_settings(a), right = list_settings(b);
  for (std::size_t i = 0; i < left.size(); ++i) {
    const std::string& key = left[i].option.key;
    auto other = right.begin() + static_cast<std::ptrdiff_t>(std::min(i, right.size()));
    if (other == right.end() || other->option.key != key)
      other = std::ranges::find(right, key, [](const OptionState& state) { return state.option.key; });
    if (other == right.end() || left[i].value == other->value) continue;
    if (counts(key)) found.push_back({key, canonical_text(left[i].value), canonical_text(other->value)});
  }
  return found;
}

}  // namespace

std::vector<SettingDifference> differing_settings(const Settings& a, const Settings& b) {
  return differing(a, b, [&](const std::string& key) { return has_bearing(key, a) && has_bearing(key, b); });
}

std::vector<SettingDifference> departures_from(const Settings& usual, const Settings& settings) {
  return differing(settings, usual, [&](const std::string& key) { return has_bearing(key, settings); });
}

std::string differences(const Settings& a, const Settings& b, std::size_t most) {
  const std::vector<SettingDifference> found = differing_settings(a, b);
  std::string text;
  const auto shortened = [](const std::string& value) {
    constexpr std::size_t kLongest = 120;
    return value.size() <= kLongest ? value : value.substr(0, kLongest) + "...";
  };
  for (std::size_t i = 0; i < std::min(most, found.size()); ++i)
    text += fmt::format("{}{} = {} and {}", text.empty() ? "" : ", ", found[i].key, shortened(found[i].first),
                        shortened(found[i].second));
  if (found.size() > most) text += fmt::format(" and {} more", found.size() - most);
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

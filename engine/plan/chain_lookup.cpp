#include "engine/plan/chain_lookup.hpp"

#include <charconv>

#include "engine/job/option_table.hpp"
#include "io/error.hpp"

namespace impsweep {

const Chain& find_chain(const Plan& plan, const std::string& name, const std::string& where) {
  for (const Chain& chain : plan.chains)
    if (chain.name == name) return chain;
  std::vector<std::string> names;
  for (const Chain& chain : plan.chains) names.push_back(chain.name);
  const std::string nearest = nearest_word(name, names);
  throw InputError("{}: no chain '{}'{}", where, name,
                   nearest.empty() ? std::string("; `impsweep export DIR rounds` lists them")
                                   : "; did you mean '" + nearest + "'?");
}

TrainingIndex find_round(const Plan& plan, const std::string& chain_name, const std::string& round,
                         const std::string& where) {
  const Chain& chain = find_chain(plan, chain_name, where);
  const char* first = round.data() + (round.starts_with('r') ? 1 : 0);
  const char* last = round.data() + round.size();
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(first, last, number);
  if (error != std::errc() || end != last || number >= chain.rounds.size())
    throw InputError("{}: chain '{}' has no round '{}'; it has r00 to r{:02}", where, chain_name, round,
                     chain.rounds.size() - 1);
  return chain.rounds[number];
}

}  // namespace impsweep

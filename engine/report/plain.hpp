// engine/report/plain.hpp - whether chains were trained as the paper's were. Settings decide that, never the
// name of a variant: one called "default" with another learning rate is not the paper's, and one called "cnn"
// is a convolutional network because its settings say so.
//
// Always allowed: the network's kind and size, which claims speak of by themselves; budgets (rl.steps,
// eval.*, how many teachers there are to choose from, exploration that ends sooner), which the page states
// beside the paper's; the part pruned per round; the master seed; where the data set lies.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "engine/report/results.hpp"

namespace impsweep {

// The defaults for a group, with those of table 10 for convolutional networks.
Settings usual_settings(const Group&);

// Keys with a bearing on results by which these settings depart from the paper's of their task and algorithm;
// those of the inputs given (inputs.*) left out.
std::vector<std::string> departures(const Settings&);

// Whether the group departs in none but these keys, and all inputs are given.
bool plain_but_for(const Group&, std::initializer_list<std::string_view> keys);
bool is_plain(const Group&);
bool is_plain_mlp(const Group&);

}  // namespace impsweep

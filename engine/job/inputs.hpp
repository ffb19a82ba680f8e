// engine/job/inputs.hpp - agents that are given only some of their inputs: those that a ticket still reads
// (figure 5 of the paper, lower right), or those that somebody chose (figure 8, bottom).
//
// The inputs that are taken away lose all their weights in the first layer of every network, for good: they
// count neither for the density nor, in the mode "drop", for the fan-in that sets the scale of initial
// weights. So the network is the one that has no such inputs, and keeps the places of those that it has.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agents/config/config.hpp"
#include "engine/imp/pruning.hpp"
#include "envs/environment.hpp"
#include "io/job_file.hpp"

namespace impsweep {

enum class InputsMode { kDrop, kElementwise };
constexpr auto enum_names(InputsMode) {
  return std::array<std::string_view, 2>{"drop", "elementwise"};
}

struct InputsConfig {
  std::vector<std::int64_t> select;
  std::int64_t ticket_round = 0;
  bool complement = false;
  InputsMode mode = InputsMode::kDrop;

  bool restricts() const { return !select.empty() || ticket_round > 0; }

  template <class V>
  void visit(V& v) {
    v("inputs.select", select, kNonNegative, "the only inputs given, by number or name; []: all");
    v("inputs.ticket_round", ticket_round, Range{0, 999},
      "give the inputs that this round of mask/weights still reads, in a chain with the other settings; 0: "
      "all");
    v("inputs.complement", complement, kAny, "give the other inputs instead (a control)");
    v("inputs.mode", mode, kAny,
      "drop: whole inputs go; elementwise: the first layer keeps the mask of the ticket's");
  }
};

// The value of inputs.select with names replaced by numbers: of observations, or of a channel for all its
// cells; ascending. Throws InputError "place: ..." for an unknown name or an input given twice.
JobValue numbered_inputs(const TaskInfo&, const JobValue&, const std::string& place);

// A model without some of its inputs.
struct RestrictedModel {
  ModelSpec model;  // knows how many inputs are left
  Mask available;   // [parameter_count], 0 at weights of inputs that are not given
};

// The restriction by inputs.select; all of the model without one.
RestrictedModel with_selected_inputs(ModelSpec, const InputsConfig&);

// The restriction by inputs.ticket_round, whose ticket has this mask. Throws std::invalid_argument if no
// input is left.
RestrictedModel with_ticket_inputs(ModelSpec, const InputsConfig&, const Mask& ticket);

// Checks the keys against each other, for a first layer of `inputs` inputs. Throws InputError "place: ...".
void check_inputs(const InputsConfig&, int inputs, const std::vector<std::string>& names,
                  const std::string& place);

}  // namespace impsweep

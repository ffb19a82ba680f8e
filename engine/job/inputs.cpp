#include "engine/job/inputs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "engine/job/option_table.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

// Takes away the inputs that are not `given`: of every network, as all see the same.
RestrictedModel restricted(ModelSpec model, const std::vector<bool>& given, bool shrinks_fan_in) {
  RestrictedModel result{std::move(model), {}};
  const auto left = static_cast<int>(std::ranges::count(given, true));
  if (shrinks_fan_in)
    for (MlpSpec& part : result.model.parts) part.connected_inputs = left;
  result.available.assign(parameter_count(result.model), 1);
  for (const Tensor& tensor : tensors_of(result.model)) {
    if (!tensor.reads_observation || !tensor.is_weight) continue;
    for (std::size_t i = 0; i < tensor.size; ++i)
      if (!given[i % given.size()]) result.available[tensor.offset + i] = 0;
  }
  return result;
}

std::vector<bool> chosen(const std::vector<std::int64_t>& select, std::size_t inputs, bool complement) {
  std::vector<bool> given(inputs, complement);
  for (const std::int64_t input : select) given[static_cast<std::size_t>(input)] = !complement;
  return given;
}

std::size_t input_count(const ModelSpec& model) {
  return static_cast<std::size_t>(model.parts.front().sizes.front());
}

// Numbers of the inputs that a name stands for.
std::vector<std::int64_t> inputs_named(const TaskInfo& task, const std::string& name,
                                       const std::string& place) {
  const auto& names = task.observation_names.empty() ? task.channel_names : task.observation_names;
  const auto found = std::ranges::find(names, name);
  if (found == names.end())
    throw InputError("{}: task '{}' has no input '{}'{}", place, task.name, name,
                     names.empty() ? "; give numbers" : suggestion(name, names));
  const std::int64_t index = found - names.begin();
  if (!task.observation_names.empty()) return {index};
  const std::int64_t cells = std::int64_t{task.rows} * task.columns;
  std::vector<std::int64_t> inputs;
  for (std::int64_t cell = 0; cell < cells; ++cell) inputs.push_back(index * cells + cell);
  return inputs;
}

}  // namespace

JobValue numbered_inputs(const TaskInfo& task, const JobValue& given, const std::string& place) {
  const JobValue::List* list = given.get<JobValue::List>();
  if (list == nullptr) return given;
  std::vector<std::int64_t> inputs;
  for (const JobValue& element : *list) {
    if (const std::int64_t* number = element.get<std::int64_t>()) {
      inputs.push_back(*number);
    } else if (const std::string* name = element.get<std::string>()) {
      const std::vector<std::int64_t> named = inputs_named(task, *name, place);
      inputs.insert(inputs.end(), named.begin(), named.end());
    } else {
      return given;  // its type is refused like any other
    }
  }
  std::ranges::sort(inputs);
  if (const auto twice = std::ranges::adjacent_find(inputs); twice != inputs.end())
    throw InputError("{}: 'inputs.select' has input {} twice; remove one", place, *twice);
  JobValue::List numbers;
  for (const std::int64_t input : inputs) numbers.push_back(JobValue{input});
  return JobValue{std::move(numbers)};
}

RestrictedModel with_selected_inputs(ModelSpec model, const InputsConfig& inputs) {
  if (inputs.select.empty()) {
    const std::size_t parameters = parameter_count(model);
    return {std::move(model), Mask(parameters, 1)};
  }
  const std::vector<bool> given = chosen(inputs.select, input_count(model), inputs.complement);
  return restricted(std::move(model), given, true);
}

RestrictedModel with_ticket_inputs(ModelSpec model, const InputsConfig& inputs, const Mask& ticket) {
  const Tensor first = tensors_of(model).front();
  std::vector<bool> given(input_count(model), false);
  for (std::size_t i = 0; i < first.size; ++i)
    if (ticket[first.offset + i] != 0) given[i % given.size()] = true;
  if (inputs.complement) given.flip();
  if (std::ranges::count(given, true) == 0)
    throw std::invalid_argument(fmt::format("round {} of the ticket {}, so that no input is left to give",
                                            inputs.ticket_round,
                                            inputs.complement ? "reads every input" : "reads no input"));
  const bool elementwise = inputs.mode == InputsMode::kElementwise;
  RestrictedModel result = restricted(std::move(model), given, !elementwise);
  if (!elementwise) return result;
  for (const Tensor& tensor : tensors_of(result.model))
    if (tensor.reads_observation && tensor.is_weight)
      for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i)
        result.available[i] &= ticket[i];
  return result;
}

void check_inputs(const InputsConfig& inputs, int count, const std::vector<std::string>& names,
                  const std::string& place) {
  const bool elementwise = inputs.mode == InputsMode::kElementwise;
  if (!inputs.select.empty() && inputs.ticket_round > 0)
    throw InputError("{}: 'inputs.select' and 'inputs.ticket_round' exclude each other; remove one", place);
  if (!inputs.restricts() && inputs.complement)
    throw InputError(
        "{}: 'inputs.complement' has nothing to complement; add inputs.select or inputs.ticket_round", place);
  if (elementwise && inputs.ticket_round == 0)
    throw InputError(
        "{}: 'inputs.mode' = \"elementwise\" needs the mask of a ticket; add inputs.ticket_round", place);
  if (elementwise && inputs.complement)
    throw InputError(
        "{}: 'inputs.mode' = \"elementwise\" and 'inputs.complement' exclude each other; use the mode drop",
        place);
  if (inputs.select.empty()) return;
  if (inputs.select.back() >= count)
    throw InputError("{}: 'inputs.select' has input {}, which is outside 0..{}{}", place,
                     inputs.select.back(), count - 1,
                     names.empty() ? std::string() : fmt::format(" ({})", fmt::join(names, ", ")));
  if (inputs.complement && inputs.select.size() == static_cast<std::size_t>(count))
    throw InputError("{}: 'inputs.complement' of all {} inputs is none; select fewer", place, count);
}

}  // namespace impsweep

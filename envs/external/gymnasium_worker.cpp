#include "envs/external/gymnasium_worker.hpp"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>
#include <vector>

namespace impsweep::external {
namespace {

using nlohmann::json;

constexpr std::size_t kMostIdle = 4;                         // workers that wait for another training
constexpr auto kPatienceAtStart = std::chrono::seconds(60);  // imports from a slow disk
constexpr auto kPatienceWithTest = std::chrono::seconds(20);
constexpr std::size_t kHeaderBytes = 64;

// Places of the parts in shared memory, as in class Lanes of the worker.
struct Layout {
  std::size_t lanes = 0, seeds = 0, actions = 0, rewards = 0, flags = 0, rows = 0, first_rows = 0, end = 0;

  Layout(const Spaces& spaces, std::size_t count) {
    std::size_t place = kHeaderBytes;
    const auto part = [&](std::size_t bytes) { return std::exchange(place, (place + bytes + 63) / 64 * 64); };
    lanes = part(4 * count);
    seeds = part(8 * count);
    actions = part(spaces.continuous ? 4 * count * static_cast<std::size_t>(spaces.actions) : 8 * count);
    rewards = part(8 * count);
    flags = part(count);
    rows = part(count * spaces.row_bytes());
    first_rows = part(count * spaces.row_bytes());
    end = place;
  }
};

bool code_is_trusted = false;

// Where the file of a class lies: as the job says, or of the same name in the working directory.
std::string found_file(const Definition& definition) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path here = fs::path(definition.file).filename();
  return !fs::exists(definition.file, error) && fs::exists(here, error) ? here.string() : definition.file;
}

json wanted_of(const Definition& definition, int lanes) {
  json wanted = {{"kwargs", json::parse(definition.kwargs)},
                 {"wrappers", json::parse(definition.wrappers)},
                 {"max_steps", definition.max_steps},
                 {"actions", definition.actions},
                 {"lanes", lanes},
                 {"files", definition.files.empty() ? json::object() : json::parse(definition.files)},
                 {"fresh_objects", definition.repeats == Repeats::kNewObjects}};
  if (definition.is_python()) {
    wanted["file"] = found_file(definition);
    wanted["class"] = definition.name.substr(kPython.size());
  } else {
    wanted["id"] = definition.name.substr(kGymnasium.size());
  }
  return wanted;
}

std::string title(const Definition& definition) {
  return definition.is_python() ? "python:" + definition.file + ":" + definition.name.substr(kPython.size())
                                : definition.name;
}

[[noreturn]] void throw_unavailable(const Definition& definition, const std::string& why) {
  throw GymnasiumUnavailable(
      "the task " + title(definition) + " cannot be played here: " + why +
      ". Environments need a Python interpreter with the package gymnasium (pip install "
      "\"gymnasium[classic-control,box2d,mujoco]\", 1.4 or newer) and what else they import, which is "
      "python3 "
      "on PATH or what the environment variable IMPSWEEP_PYTHON names");
}

void require_trust(const Definition& definition) {
  if (!definition.runs_other_code() || code_is_trusted) return;
  throw GymnasiumUnavailable(
      "the task " + title(definition) +
      " is code that a store names, which may have come from anybody; read it, and say "
      "`impsweep --trust-code COMMAND ...` to run it");
}

// What the worker says of the environment, or why there is none.
json description_of(const Definition& definition, WorkerProcess& process) {
  try {
    const auto [is_ready, text] = process.greeting();
    if (!is_ready) throw_unavailable(definition, text);
    return json::parse(text);
  } catch (const json::exception& error) {
    throw_unavailable(definition, error.what());
  } catch (const WorkerFailure& failure) {
    throw_unavailable(definition, chosen_interpreter() + " did not start it: " + process.describe(failure));
  }
}

WorkerStart start_of(const json& wanted, std::size_t shared_bytes) {
  return {.interpreter = chosen_interpreter(),
          .client = gymnasium_program(),
          .arguments = {wanted.dump()},
          .shared_bytes = shared_bytes,
          .patience = kPatienceAtStart};
}

std::string difference(const json& there, const json& here) {
  for (const auto& [name, value] : there.items())
    if (!here.contains(name) || here[name] != value)
      return name + " " + value.dump() + " and here " +
             (here.contains(name) ? here[name].dump() : "there is none");
  return {};
}

// Workers that wait for another training.
class IdleWorkers {
 public:
  std::unique_ptr<GymnasiumWorker> take(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(idle_, key, [](const auto& entry) { return entry.first; });
    if (found == idle_.end()) return nullptr;
    std::unique_ptr<GymnasiumWorker> worker = std::move(found->second);
    idle_.erase(found);
    return worker;
  }
  void put(const std::string& key, std::unique_ptr<GymnasiumWorker> worker) {
    const std::lock_guard lock(mutex_);
    idle_.emplace_back(key, std::move(worker));
    if (idle_.size() > kMostIdle) idle_.erase(idle_.begin());
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::unique_ptr<GymnasiumWorker>>> idle_;  // the longest idle first
};

IdleWorkers& idle_workers() {
  static IdleWorkers workers;
  return workers;
}

}  // namespace

void trust_code(bool trusted) {
  code_is_trusted = trusted;
}

bool is_code_trusted() {
  return code_is_trusted;
}

std::unique_ptr<GymnasiumWorker> GymnasiumWorker::get(const Definition& definition, const Spaces& spaces,
                                                      int lanes) {
  require_trust(definition);
  std::string key = chosen_interpreter() + " " + wanted_of(definition, lanes).dump();
  if (auto worker = idle_workers().take(key)) {
    worker->time_limit_ = std::chrono::milliseconds(static_cast<std::int64_t>(1000 * definition.time_limit));
    return worker;
  }
  try {
    return std::unique_ptr<GymnasiumWorker>(new GymnasiumWorker(definition, spaces, lanes, std::move(key)));
  } catch (const WorkerFailure& failure) {
    throw_unavailable(definition, failure.what());
  }
}

void GymnasiumWorker::give_back(std::unique_ptr<GymnasiumWorker> worker) {
  if (worker == nullptr || worker->has_failed_) return;
  const std::string key = worker->key_;
  idle_workers().put(key, std::move(worker));
}

GymnasiumWorker::GymnasiumWorker(const Definition& definition, const Spaces& spaces, int lanes,
                                 std::string key)
    : key_(std::move(key)),
      process_([&] {
        json wanted = wanted_of(definition, lanes);
        const std::size_t bytes = Layout(spaces, static_cast<std::size_t>(lanes)).end;
        wanted["memory"] = bytes;
        return start_of(wanted, bytes);
      }()),
      time_limit_(static_cast<std::int64_t>(1000 * definition.time_limit)) {
  const json found = description_of(definition, process_);
  interpreter_ = found.value("interpreter", "");
  const json packages = json::parse(definition.packages, nullptr, false);
  if (const std::string text = difference(packages, found.value("packages", json::object())); !text.empty())
    throw_unavailable(definition, "the trainings are planned for the package " + text +
                                      ": use an interpreter that has it, or another store");
  if (const std::string text =
          difference(json::parse(definition.spaces), found.value("spaces", json::object()));
      !text.empty())
    throw_unavailable(definition, "the trainings are planned for " + text);
  lay_out(spaces, static_cast<std::size_t>(lanes));
}

GymnasiumWorker::~GymnasiumWorker() {
  if (!has_failed_) try {
      begin(Operation::kTalk, 0);
    } catch (const TaskUnavailable&) {
      // It has ended by itself.
    }
}

void GymnasiumWorker::lay_out(const Spaces& spaces, std::size_t lanes) {
  const Layout layout(spaces, lanes);
  std::byte* memory = process_.memory();
  header_ = reinterpret_cast<std::uint32_t*>(memory);
  lanes_ = {reinterpret_cast<std::uint32_t*>(memory + layout.lanes), lanes};
  seeds_ = {reinterpret_cast<std::int64_t*>(memory + layout.seeds), lanes};
  if (spaces.continuous)
    action_numbers_ = {reinterpret_cast<float*>(memory + layout.actions),
                       lanes * static_cast<std::size_t>(spaces.actions)};
  else
    actions_ = {reinterpret_cast<std::int64_t*>(memory + layout.actions), lanes};
  rewards_ = reinterpret_cast<double*>(memory + layout.rewards);
  flags_ = reinterpret_cast<std::uint8_t*>(memory + layout.flags);
  rows_ = memory + layout.rows;
  first_rows_ = memory + layout.first_rows;
  row_bytes_ = spaces.row_bytes();
}

int GymnasiumWorker::current_lane() const {
  const std::uint32_t sign = std::max(header_[3], 1u);
  return static_cast<int>((sign - 1) % lanes_.size());  // a task may write anywhere in its memory
}

void GymnasiumWorker::begin(Operation operation, std::size_t columns) {
  header_[0] = static_cast<std::uint32_t>(operation);
  header_[1] = static_cast<std::uint32_t>(columns);
  process_.set_patience(time_limit_);
  try {
    process_.ring();
  } catch (const WorkerFailure& failure) {
    has_failed_ = true;
    throw TaskUnavailable(process_.describe(failure));
  }
}

void GymnasiumWorker::finish() {
  try {
    process_.await_ring(header_[3]);
    if (header_[2] == 0) return;
    const std::string text = process_.receive_text();
    has_failed_ = true;
    throw EnvironmentFault(text);
  } catch (const WorkerFailure& failure) {
    has_failed_ = true;
    const std::string text = process_.describe(failure);
    constexpr int kKilled = 9;  // by the kernel for want of memory, or by somebody
    if (process_.ended_by_signal() == kKilled) throw TaskUnavailable("its process failed: " + text);
    throw EnvironmentFault("its process failed: " + text);
  } catch (const WaitAbandoned&) {
    has_failed_ = true;
    throw;
  }
}

std::string GymnasiumWorker::generator(int lane) {
  begin(Operation::kTalk, static_cast<std::size_t>(lane) + 1);
  finish();
  return process_.receive_text();
}

namespace {

// What a test in a process of its own found.
json tested(WorkerProcess& process, std::int64_t steps) {
  try {
    process.set_patience(kPatienceWithTest);
    process.send_text(std::to_string(steps));
    return json::parse(process.receive_text());
  } catch (const WorkerFailure& failure) {
    return {{"error", process.describe(failure)}};
  } catch (const json::exception& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace

Definition determine(Definition definition) {
  require_trust(definition);
  const json wanted = wanted_of(definition, 1);
  const auto start = [&] {
    try {
      return std::make_unique<WorkerProcess>(start_of(wanted, 0));
    } catch (const WorkerFailure& failure) {
      throw_unavailable(definition, failure.what());
    }
  };
  const auto process = start(), other = start();
  const json found = description_of(definition, *process);
  // Which version a name without one means. What is behind module: is found by that module alone.
  if (found.contains("id") && !definition.runs_other_code())
    definition.name = std::string(kGymnasium) + found["id"].get<std::string>();
  definition.spaces = found.at("spaces").dump();
  definition.inputs = found.at("names").dump();
  definition.packages = found.at("packages").dump();
  definition.files = found.at("files").dump();
  const json first = tested(*process, 0);
  if (first.contains("error")) {
    definition.repeats = Repeats::kUntested;
    return definition;
  }
  description_of(definition, *other);
  const json second = tested(*other, first.at("steps").get<std::int64_t>());
  definition.step_seconds = first.value("seconds", 0.0);
  const bool fresh = first.at("fresh").get<bool>() && second.value("digest", "") == first.at("digest");
  const bool reused = first.at("reused").get<bool>();
  definition.repeats = !fresh ? Repeats::kNever : reused ? Repeats::kAlways : Repeats::kNewObjects;
  return definition;
}

}  // namespace impsweep::external

// envs/atari/worker_emulator.hpp - consoles of the Arcade Learning Environment (ALE) in worker processes
// (envs/external/worker_process.hpp): a Python interpreter that has the package ale-py runs
// envs/atari/worker.py, whose text is part of this program.
//
// ALE is under the GNU General Public License, version 2. It runs as a program of its own, which the user
// installs; nothing of it, and no ROM, is contained in this project.
//
// A worker has a few consoles. Requests and replies are small messages over a socket, screens lie in shared
// memory. Calls for the consoles of one worker wait for each other; different workers run side by side.
//
// The state of a console is what was played since its reset, and loading it plays that again, at about two
// thousand steps a second. ALE can save a state in the middle of a game as well, but a part of the picture's
// is missing there, and some games (Amidar, Qbert, Tetris) continue differently in another process. A reset
// first restores what ALE was when the ROM had been loaded: without this some games (Ice Hockey, Seaquest,
// Surround, Time Pilot, Yars' Revenge) begin differently after other games, and an episode would depend on
// what its console had played before.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "envs/atari/emulator.hpp"
#include "envs/atari/games.hpp"

namespace impsweep::atari {

struct WorkerSetup {
  // Empty: the environment variable IMPSWEEP_PYTHON, or else python3. Without a slash it is searched on PATH.
  std::string interpreter = "";
  std::chrono::milliseconds patience = std::chrono::seconds(60);  // with a worker that does not answer
  int consoles_per_worker = 4;
};

class WorkerEmulator final : public Emulator {
 public:
  // Throws TaskUnavailable if the interpreter, the package or the ROM cannot be found or used.
  WorkerEmulator(const Game& game, int consoles, const WorkerSetup& setup = {});
  ~WorkerEmulator() override;

  // These throw EmulatorFailed if a worker ends or does not answer.
  Outcome reset(int console) override;
  Outcome play(int console, int action, int frames) override;
  std::string save(int console) override;
  void load(int console, const std::string& state) override;

  Screen last(int console) const override;
  Screen before_last(int console) const override;

  const std::string& version() const { return version_; }  // of ALE
  std::string program() const override { return "ALE " + version_; }
  std::vector<int> process_ids() const;

 private:
  class Worker;
  struct Place {
    Worker& worker;
    int console;  // of those of the worker
  };
  Place place(int console) const;

  int consoles_per_worker_;
  std::string version_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::string> played_;  // [console]: two bytes, action and frames, for each part since the reset
};

// The text of envs/atari/worker.py.
const char* console_program();

}  // namespace impsweep::atari

#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "engine/exit_code.hpp"
#include "engine/sweep/transport.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr int kTag = 1;
constexpr std::chrono::seconds kFlush{3}, kLongestFinalize{30};

[[noreturn]] void leave_at_once(int exit_code) {
  std::fflush(nullptr);
  _exit(exit_code);
}

// Ends this process unless it is destroyed within `patience`.
class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds patience)
      : thread_([this, patience](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          if (wake_.wait_for(lock, stop, patience, [&] { return stop.stop_requested(); })) return;
          if (stop.stop_requested()) return;
          std::fputs(
              "impsweep: the ranks did not come together, as one of them died at the start; the same command "
              "again continues\n",
              stderr);
          leave_at_once(kStopped);
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it is joined before the others go
};

class Alone final : public Transport {
 public:
  int rank() const override { return 0; }
  int ranks() const override { return 1; }
  void send(int, const Message&) override {}
  std::optional<Message> poll() override { return std::nullopt; }
  void forget(int) override {}
  [[noreturn]] void leave(int exit_code) override { leave_at_once(exit_code); }
  std::string broadcast(const std::string& text) override { return text; }
};

class Mpi final : public Transport {
 public:
  explicit Mpi(std::chrono::milliseconds patience) : patience_(patience) {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
    if (provided < MPI_THREAD_SERIALIZED)
      throw InputError("this MPI library was built without threads, which heartbeats need");
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks_);
  }
  ~Mpi() override {
    flush();
    // What was never taken: MPI may read it until the process ends, so it is left where it is.
    if (!sent_.empty()) {
      for (Sent& sent : sent_) MPI_Request_free(&sent.request);
      new std::list<Sent>(std::move(sent_));  // NOLINT(bugprone-unhandled-exception-at-new): 24 bytes
    }
    // A rank that died after its last message would be waited for without end.
    std::thread([] {
      std::this_thread::sleep_for(kLongestFinalize);
      leave_at_once(kStopped);
    }).detach();
    MPI_Finalize();
  }
  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;

  int rank() const override { return rank_; }
  int ranks() const override { return ranks_; }

  void send(int to, const Message& message) override {
    Message stamped = message;
    stamped.rank = rank_;
    std::vector<std::byte> bytes = encode(stamped);
    const std::lock_guard lock(mutex_);
    release_some();
    if (forgotten_.contains(to)) return;
    Sent& sent = sent_.emplace_back(to, std::move(bytes));
    MPI_Isend(sent.bytes.data(), static_cast<int>(sent.bytes.size()), MPI_BYTE, to, kTag, MPI_COMM_WORLD,
              &sent.request);
  }

  std::optional<Message> poll() override {
    const std::lock_guard lock(mutex_);
    release_some();
    int arrived = 0, size = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, kTag, MPI_COMM_WORLD, &arrived, &status);
    if (arrived == 0) return std::nullopt;
    MPI_Get_count(&status, MPI_BYTE, &size);
    received_.resize(static_cast<std::size_t>(size));
    MPI_Recv(received_.data(), size, MPI_BYTE, status.MPI_SOURCE, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    forgotten_.erase(status.MPI_SOURCE);
    return decode(received_);
  }

  void forget(int rank) override {
    const std::lock_guard lock(mutex_);
    forgotten_.insert(rank);
  }

  [[noreturn]] void leave(int exit_code) override {
    flush();
    leave_at_once(exit_code);
  }

  std::string broadcast(const std::string& text) override {
    const Deadline deadline(patience_);  // the call waits for dead ranks too
    std::uint64_t size = text.size();
    MPI_Bcast(&size, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    std::string copy = rank_ == 0 ? text : std::string(size, '\0');
    constexpr std::uint64_t kChunk = 1 << 28;
    for (std::uint64_t first = 0; first < size; first += kChunk)
      MPI_Bcast(copy.data() + first, static_cast<int>(std::min(kChunk, size - first)), MPI_CHAR, 0,
                MPI_COMM_WORLD);
    return copy;
  }

 private:
  struct Sent {
    Sent(int rank, std::vector<std::byte> b) : to(rank), bytes(std::move(b)) {}
    int to;
    std::vector<std::byte> bytes;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  void flush() {
    const std::lock_guard lock(mutex_);
    const auto start = std::chrono::steady_clock::now();
    const auto under_way = [this] {
      release_sent();
      return std::ranges::any_of(sent_, [this](const Sent& sent) { return !forgotten_.contains(sent.to); });
    };
    while (under_way() && std::chrono::steady_clock::now() - start < kFlush)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  // A few, in turn: rank 0 sends to thousands at once, and would otherwise ask for all of them at each.
  void release_some() {
    constexpr int kAtOnce = 8;
    for (int i = 0; i < kAtOnce && !sent_.empty(); ++i) {
      int complete = 0;
      MPI_Test(&sent_.front().request, &complete, MPI_STATUS_IGNORE);
      if (complete != 0)
        sent_.pop_front();
      else
        sent_.splice(sent_.end(), sent_, sent_.begin());
    }
  }
  void release_sent() {
    std::erase_if(sent_, [](Sent& sent) {
      int complete = 0;
      MPI_Test(&sent.request, &complete, MPI_STATUS_IGNORE);
      return complete != 0;
    });
  }

  std::chrono::milliseconds patience_;  // until all ranks have come together
  int rank_ = 0, ranks_ = 1;
  std::mutex mutex_;
  std::list<Sent> sent_;  // a list never moves its elements, which MPI is still reading
  std::set<int> forgotten_;
  std::vector<std::byte> received_;
};

bool is_set(const char* name) {
  return std::getenv(name) != nullptr;
}

}  // namespace

std::unique_ptr<Transport> connect(std::chrono::milliseconds patience) {
  const bool launched_by_mpi = is_set("OMPI_COMM_WORLD_SIZE") || is_set("PMIX_RANK") || is_set("PMI_RANK");
  if (launched_by_mpi) {
    const Deadline deadline(patience);
    return std::make_unique<Mpi>(patience);
  }
  const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
  if (tasks == nullptr && is_set("SLURM_STEP_ID")) tasks = std::getenv("SLURM_NTASKS");
  if (tasks != nullptr && std::atoi(tasks) > 1)
    throw InputError(
        "srun started {} tasks without connecting them (no PMIx), so each would run the whole sweep by "
        "itself; use "
        "`mpirun impsweep run ...` inside the allocation, or `srun --mpi=pmix impsweep run ...`",
        tasks);
  return std::make_unique<Alone>();
}

}  // namespace impsweep

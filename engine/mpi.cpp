#include <mpi.h>

#include <cstdlib>
#include <deque>
#include <vector>

#include "engine/transport.hpp"
#include "envs/archive.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr int kTag = 1;

class Alone final : public Transport {
 public:
  int rank() const override { return 0; }
  int ranks() const override { return 1; }
  void send(int, const Message&) override {}
  std::optional<Message> poll() override { return std::nullopt; }
  std::string broadcast(const std::string& text) override { return text; }
};

class Mpi final : public Transport {
 public:
  Mpi() {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks_);
  }
  ~Mpi() override {
    for (Sent& sent : sent_) MPI_Wait(&sent.request, MPI_STATUS_IGNORE);
    MPI_Finalize();
  }
  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;

  int rank() const override { return rank_; }
  int ranks() const override { return ranks_; }

  void send(int to, const Message& message) override {
    release_sent();
    StateWriter writer;
    Message stamped = message;
    stamped.rank = rank_;
    writer("message", stamped);
    Sent& sent = sent_.emplace_back(writer.take());
    MPI_Isend(sent.bytes.data(), static_cast<int>(sent.bytes.size()), MPI_BYTE, to, kTag, MPI_COMM_WORLD,
              &sent.request);
  }

  std::optional<Message> poll() override {
    release_sent();
    int arrived = 0, size = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, kTag, MPI_COMM_WORLD, &arrived, &status);
    if (arrived == 0) return std::nullopt;
    MPI_Get_count(&status, MPI_BYTE, &size);
    received_.resize(static_cast<std::size_t>(size));
    MPI_Recv(received_.data(), size, MPI_BYTE, status.MPI_SOURCE, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    StateReader reader(received_.data(), received_.size());
    Message message;
    reader("message", message);
    return message;
  }

  std::string broadcast(const std::string& text) override {
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
    explicit Sent(std::vector<std::byte> b) : bytes(std::move(b)) {}
    std::vector<std::byte> bytes;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  void release_sent() {
    while (!sent_.empty()) {
      int complete = 0;
      MPI_Test(&sent_.front().request, &complete, MPI_STATUS_IGNORE);
      if (complete == 0) return;
      sent_.pop_front();
    }
  }

  int rank_ = 0, ranks_ = 1;
  std::deque<Sent> sent_;  // a deque never moves its elements, which MPI is still reading
  std::vector<std::byte> received_;
};

bool is_set(const char* name) {
  return std::getenv(name) != nullptr;
}

}  // namespace

std::unique_ptr<Transport> connect() {
  const bool launched_by_mpi = is_set("OMPI_COMM_WORLD_SIZE") || is_set("PMIX_RANK") || is_set("PMI_RANK");
  if (launched_by_mpi) return std::make_unique<Mpi>();
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

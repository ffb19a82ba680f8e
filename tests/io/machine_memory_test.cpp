#include "io/machine_memory.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "io/files.hpp"
#include "tests/io/scratch.hpp"

using namespace impsweep;
using impsweep::testing::contains;
using impsweep::testing::Scratch;
using impsweep::testing::spill;

namespace {

// A machine of 1,000 MB of which 900 are available, and a process of 10 MB.
void make_machine(const Scratch& scratch) {
  for (const char* folder : {"proc/self", "sys/fs/cgroup/job/step", "sys/fs/cgroup/memory/job"})
    make_directories(scratch / folder);
  spill(scratch / "proc/meminfo", "MemTotal: 1000000 kB\nMemFree: 1 kB\nMemAvailable: 900000 kB\n");
  spill(scratch / "proc/self/status", "Name: x\nVmSize: 50000 kB\nVmRSS: 10000 kB\n");
}

}  // namespace

TEST_CASE("the machine's memory is shared by the ranks on it") {
  const Scratch scratch;
  make_machine(scratch);
  CHECK(memory_limit(4, scratch.path()).bytes == 1'000'000 * 1024 / 4);
  CHECK(contains(memory_limit(4, scratch.path()).reason, "for 4 ranks on this host"));
  const MemoryLimit alone = memory_limit(1, scratch.path());
  CHECK(alone.bytes == 910'000 * 1024);  // what is left, and what it has
  CHECK(contains(alone.reason, "left"));
}

TEST_CASE("control groups of both versions count, with those around them") {
  const Scratch scratch;
  make_machine(scratch);
  spill(scratch / "proc/self/cgroup", "0::/job/step\n");
  spill(scratch / "sys/fs/cgroup/job/step/memory.max", "max\n");
  CHECK(memory_limit(1, scratch.path()).bytes == 910'000 * 1024);
  spill(scratch / "sys/fs/cgroup/job/memory.max", "200000000\n");
  CHECK(memory_limit(1, scratch.path()).bytes == 200'000'000);
  CHECK(memory_limit(2, scratch.path()).bytes == 100'000'000);
  CHECK(contains(memory_limit(2, scratch.path()).reason, "cgroup"));
  spill(scratch / "proc/self/cgroup", "5:cpu:/other\n4:memory:/job\n");
  spill(scratch / "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "50000000\n");
  CHECK(memory_limit(1, scratch.path()).bytes == 50'000'000);
  // A container sees its own group as the outermost one, and the path of the host.
  spill(scratch / "proc/self/cgroup", "0::/docker/1234\n");
  spill(scratch / "sys/fs/cgroup/memory.max", "40000000\n");
  CHECK(memory_limit(1, scratch.path()).bytes == 40'000'000);
}

TEST_CASE("limits of the process count as they are") {
  const Scratch scratch;
  make_machine(scratch);
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  const rlimit less{400'000'000, before.rlim_max};
  ::setrlimit(RLIMIT_AS, &less);
  const MemoryLimit limit = memory_limit(1, scratch.path());
  ::setrlimit(RLIMIT_AS, &before);
  CHECK(limit.bytes == 400'000'000 - 40'000 * 1024);
  CHECK(contains(limit.reason, "ulimit -v"));
}

TEST_CASE("a machine that says nothing does not limit") {
  const Scratch scratch;
  CHECK(memory_limit(8, scratch.path()).bytes > std::int64_t{1} << 60);
}

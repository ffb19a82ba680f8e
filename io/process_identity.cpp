#include "io/process_identity.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "io/json_field.hpp"

namespace impsweep {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Clock ticks from boot to the start of the process. Empty if there is no such process.
std::string start_of_process(long pid) {
  const std::string line = first_line("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = line.rfind(')');  // the name may hold spaces and brackets
  if (name_end == std::string::npos) return "";
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return field;
}

ProcessIdentity make_identity() {
  char host[256] = "host";
  gethostname(host, sizeof host - 1);
  std::error_code error;
  return {.host = host,
          .boot = first_line("/proc/sys/kernel/random/boot_id"),
          .process_namespace = std::filesystem::read_symlink("/proc/self/ns/pid", error).string(),
          .process_start = start_of_process(getpid()),
          .pid = getpid()};
}

}  // namespace

const ProcessIdentity& this_process() {
  static ProcessIdentity identity = make_identity();
  // A child that was forked is another process.
  if (identity.pid != getpid()) identity = make_identity();
  return identity;
}

bool is_gone(const ProcessIdentity& process) {
  const ProcessIdentity& here = this_process();
  if (process.host != here.host || process.boot != here.boot ||
      process.process_namespace != here.process_namespace)
    return false;
  const std::string start = start_of_process(process.pid);
  return start.empty() || start != process.process_start;
}

void write_identity(nlohmann::json& json, const ProcessIdentity& process) {
  json["host"] = process.host;
  json["boot"] = process.boot;
  json["pid"] = process.pid;
  json["process_namespace"] = process.process_namespace;
  json["process_start"] = process.process_start;
}

ProcessIdentity read_identity(const nlohmann::json& json) {
  ProcessIdentity process;
  read_field(json, "host", process.host);
  read_field(json, "boot", process.boot);
  read_field(json, "process_namespace", process.process_namespace);
  read_field(json, "process_start", process.process_start);
  read_field(json, "pid", process.pid);
  return process;
}

}  // namespace impsweep

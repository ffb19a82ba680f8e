// Statistics as rliable, scipy and statsmodels compute them.
#include <doctest/doctest.h>
#include <hdf5.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "engine/replay/replay_oracle.hpp"
#include "io/error.hpp"
#include "io/hdf5.hpp"

using namespace impsweep;
namespace fs = std::filesystem;

namespace {

const fs::path kRecording = fs::path(IMPSWEEP_TEST_DATA) / "oracle-statistics.h5";

// What the replay reads to compute from, and the noise of the recording.
bool is_input(const std::string& name) {
  static const std::set<std::string> inputs = {"x",      "y",       "thresholds", "a",         "b",
                                               "p",      "effects", "variances",  "alpha",     "density",
                                               "effect", "n",       "returns",    "successes", "tost/margin"};
  return inputs.contains(name) || name.ends_with("_sd");
}

void collect(const Hdf5File& file, const std::string& group, const std::string& prefix,
             std::set<std::string>& names) {
  for (const std::string& child : file.children(group)) {
    const std::string path = group + "/" + child, name = prefix.empty() ? child : prefix + "/" + child;
    if (file.is_group(path))
      collect(file, path, name, names);
    else if (!is_input(name))
      names.insert(name);
  }
}

// "case_19" -> {"t/p_greater", ...}
std::set<std::string> outputs(const Hdf5File& file, const std::string& group) {
  std::set<std::string> names;
  collect(file, group, "", names);
  return names;
}

// A copy with the given cases alone, changed.
class Copy {
 public:
  Copy(const std::vector<std::string>& cases, const std::function<void(hid_t)>& change) {
    path_ = fs::temp_directory_path() / ("impsweep-statistics-" + std::to_string(::getpid()) + ".h5");
    fs::remove(path_);
    const hid_t source = H5Fopen(kRecording.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t copy = H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    REQUIRE(source >= 0);
    REQUIRE(copy >= 0);
    for (const std::string& name : cases)
      H5Ocopy(source, name.c_str(), copy, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(source);
    change(copy);
    H5Fclose(copy);
  }
  ~Copy() { fs::remove(path_); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

void change_values(hid_t file, const std::string& name, const std::function<double(double)>& change) {
  const hid_t set = H5Dopen2(file, name.c_str(), H5P_DEFAULT), space = H5Dget_space(set);
  REQUIRE(set >= 0);
  std::vector<double> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
  H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  for (double& value : values) value = change(value);
  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Sclose(space);
  H5Dclose(set);
}

const auto kUnchanged = [](hid_t) {};

}  // namespace

TEST_CASE("recorded statistics: every result of every case agrees") {
  const OracleReplay replay = replay_oracle(kRecording);
  CHECK(replay.kind == "statistics");
  CHECK(replay.cases == 41);
  if (replay.first_divergence)
    FAIL_CHECK("case " << replay.first_divergence->case_index << ": " << replay.first_divergence->quantity
                       << ", " << replay.first_divergence->place);
  std::set<std::string> recorded, compared;
  const Hdf5File file = Hdf5File::open_readonly(kRecording);
  for (const std::string& group : file.children())
    for (const std::string& name : outputs(file, group))
      recorded.insert(file.attribute_string(group, "kind") + "/" + name);
  for (const auto& [quantity, error] : replay.max_abs_error) {
    CHECK(std::isfinite(error));
    if (quantity != "paired/tost/margin") compared.insert(quantity);
  }
  CHECK(recorded == compared);
  CHECK(recorded.size() == 68);
}

TEST_CASE("recorded statistics: a change of any result is seen") {
  const std::vector<std::string> cases = {"case_01", "case_20", "case_33", "case_36",
                                          "case_37", "case_39", "case_40"};
  std::vector<std::string> datasets;
  {
    const Hdf5File file = Hdf5File::open_readonly(kRecording);
    for (const std::string& group : cases)
      for (const std::string& name : outputs(file, group)) datasets.push_back(group + "/" + name);
  }
  const Copy copy(cases, [&](hid_t changed) {
    for (const std::string& name : datasets)
      change_values(changed, name, [](double value) { return value + 1; });
  });
  const OracleReplay replay = replay_oracle(copy.path());
  CHECK(replay.cases == 7);
  REQUIRE(replay.first_divergence);
  CHECK(replay.first_divergence->case_index == 0);
  CHECK(replay.first_divergence->quantity == "aggregate/mean");
  for (const auto& largest : replay.max_abs_error) {
    const std::string& quantity = largest.first;
    CAPTURE(quantity);
    if (quantity != "paired/tost/margin") CHECK(largest.second > 0.9);
  }
}

TEST_CASE("recorded statistics: tolerances are those of the recording, one case at a time") {
  // Relative changes just beyond the tolerance, and one that an interval of resamples cannot see.
  struct Change {
    const char *group, *name;
    double relative;
    bool seen;
  };
  for (const Change& change :
       {Change{"case_20", "t/p_two_sided", 3e-9, true}, Change{"case_20", "t/p_two_sided", 3e-10, false},
        Change{"case_20", "wilcoxon/p_greater", 3e-9, true}, Change{"case_20", "welch/df", 3e-9, true},
        Change{"case_20", "bca/interval_95", 0.2, true}, Change{"case_20", "bca/interval_95", 1e-3, false},
        Change{"case_36", "q", 3e-9, true}, Change{"case_36", "tau2_pm", 3e-3, true},
        Change{"case_36", "tau2_pm", 3e-4, false}, Change{"case_33", "bh_adjusted", 3e-12, true},
        Change{"case_37", "slope_per_round", 3e-7, true}, Change{"case_39", "power_greater", 3e-6, true},
        Change{"case_40", "jeffreys_95", 3e-6, true}, Change{"case_40", "wilson_95", 3e-7, false}}) {
    CAPTURE(change.name);
    CAPTURE(change.relative);
    const std::string name = change.name;
    const Copy copy({change.group}, [&](hid_t file) {
      change_values(file, std::string(change.group) + "/" + name,
                    [&](double value) { return value * (1 + change.relative); });
    });
    const OracleReplay replay = replay_oracle(copy.path());
    REQUIRE(replay.first_divergence.has_value() == change.seen);
    if (change.seen) CHECK(replay.first_divergence->quantity.ends_with("/" + name));
  }
}

TEST_CASE("recorded statistics: kinds of files are told apart") {
  CHECK(is_oracle(kRecording));
  CHECK(is_oracle(std::string(IMPSWEEP_TEST_DATA) + "/oracle-dqn.h5"));
  CHECK(!is_oracle(std::string(IMPSWEEP_TEST_DATA) + "/cartpole.h5"));
  nlohmann::json json;
  const Copy copy({"case_33"}, kUnchanged);
  to_json(json, replay_oracle(copy.path()));
  CHECK(json["kind"] == "statistics");
  CHECK(json["cases"] == 1);
  CHECK(json["first_divergence"].is_null());
  CHECK(json["max_abs_error"].contains("holm/adjusted"));
  CHECK(replay_oracle(copy.path(), 1e-300).first_divergence.has_value() ==
        (json["max_abs_error"]["holm/bh_adjusted"].get<double>() > 0));
}

TEST_CASE("recorded statistics: damaged recordings are refused with the reason") {
  const auto refused = [](const char* group, const std::function<void(hid_t)>& change, const char* reason) {
    const Copy copy({group}, change);
    CHECK_THROWS_WITH_AS(replay_oracle(copy.path()), doctest::Contains(reason), InputError);
  };
  const auto all = [](const char* name, double value) {
    return [=](hid_t file) { change_values(file, name, [=](double) { return value; }); };
  };
  refused("case_20", all("case_20/a", NAN), "case_20: paired_differences: value 0 of 10 is nan");
  refused("case_01", all("case_01/x", INFINITY), "is inf");
  refused("case_33", all("case_33/p", 1.5), "p = 1.5 is not in [0, 1]");
  refused("case_36", all("case_36/variances", 0), "is not positive");
  refused("case_37", all("case_37/density", 0), "has no logarithm");
  refused("case_37", all("case_37/returns", NAN), "missing values");
  refused("case_39", all("case_39/n", 1), "1 seeds");
  refused("case_40", all("case_40/successes", -1), "a count of -1 seeds");
  refused("case_20", all("case_20/tost/margin", -1), "not positive");
  refused(
      "case_20", [](hid_t file) { H5Ldelete(file, "case_20/b", H5P_DEFAULT); }, "case_20/b");
  refused(
      "case_01",
      [](hid_t file) {
        H5Ldelete(file, "case_01/x", H5P_DEFAULT);
        H5Lcreate_hard(file, "case_01/thresholds", file, "case_01/x", H5P_DEFAULT, H5P_DEFAULT);
      },
      "no table of rows and columns");
  refused(
      "case_33",
      [](hid_t file) {
        H5Ldelete(file, "case_33/adjusted", H5P_DEFAULT);
        const hid_t space = H5Screate(H5S_SCALAR);
        H5Dclose(H5Dcreate2(file, "case_33/adjusted", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT,
                            H5P_DEFAULT));
        H5Sclose(space);
      },
      "has 1 elements instead of 6");
}

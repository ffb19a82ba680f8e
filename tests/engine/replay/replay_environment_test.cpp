#include "engine/replay/replay_environment.hpp"

#include <doctest/doctest.h>
#include <hdf5.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/replay/trace_reader.hpp"
#include "io/error.hpp"

using namespace impsweep;
namespace fs = std::filesystem;

namespace {

const fs::path kData = IMPSWEEP_TEST_DATA;

// A directory that is removed with its contents.
struct ScratchDirectory {
  fs::path path = fs::temp_directory_path() / ("impsweep-replay-" + std::to_string(::getpid()));
  ScratchDirectory() { fs::create_directories(path); }
  ~ScratchDirectory() { fs::remove_all(path); }
};

void change_dataset(hid_t file, const std::string& name,
                    const std::function<void(std::vector<double>&)>& change) {
  const hid_t set = H5Dopen2(file, name.c_str(), H5P_DEFAULT), space = H5Dget_space(set);
  std::vector<double> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
  H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  change(values);
  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Sclose(space);
  H5Dclose(set);
}

void set_element(hid_t file, const std::string& name, std::size_t index, double value) {
  change_dataset(file, name, [&](std::vector<double>& values) { values.at(index) = value; });
}

void replace_by_zeros(hid_t file, const std::string& name, std::vector<hsize_t> shape, hid_t type) {
  H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  H5Dclose(H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
}

void set_text(hid_t file, const std::string& place, const char* name, const std::string& text) {
  const hid_t object = H5Oopen(file, place.c_str(), H5P_DEFAULT);
  if (H5Aexists(object, name) > 0) H5Adelete(object, name);
  const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, std::max<std::size_t>(1, text.size()));
  const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, text.data());
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  H5Oclose(object);
}

void set_number(hid_t file, const std::string& place, const char* name, double value) {
  const hid_t object = H5Oopen(file, place.c_str(), H5P_DEFAULT);
  const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  H5Awrite(attribute, H5T_NATIVE_DOUBLE, &value);
  H5Aclose(attribute);
  H5Oclose(object);
}

void add_flag(hid_t file, const std::string& place, const char* name) {
  const hid_t object = H5Oopen(file, place.c_str(), H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(object, name, H5T_NATIVE_INT64, space, H5P_DEFAULT, H5P_DEFAULT);
  const std::int64_t set = 1;
  H5Awrite(attribute, H5T_NATIVE_INT64, &set);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Oclose(object);
}

// A changed copy of a recording under the given name.
fs::path changed_copy(const ScratchDirectory& scratch, const std::string& task,
                      const std::function<void(hid_t)>& change, const std::string& name = "") {
  const fs::path copy = scratch.path / (name.empty() ? task + ".h5" : name);
  fs::copy_file(kData / (task + ".h5"), copy, fs::copy_options::overwrite_existing);
  const hid_t file = H5Fopen(copy.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  REQUIRE(file >= 0);
  change(file);
  H5Fclose(file);
  return copy;
}

void check_divergence(const EnvironmentReplay& replay, int episode, int step, const std::string& field) {
  REQUIRE(replay.first_divergence.has_value());
  CHECK(replay.first_divergence->episode == episode);
  CHECK(replay.first_divergence->step == step);
  CHECK(replay.first_divergence->field == field);
}

}  // namespace

TEST_CASE("all recorded episodes are reproduced to the bit") {
  for (const auto& recorded : {std::pair{"cartpole", 4694}, std::pair{"acrobot", 6233}}) {
    const auto [task, steps] = recorded;
    CAPTURE(recorded.first);
    const EnvironmentReplay replay = replay_environment_trace(kData / (std::string(task) + ".h5"));
    CHECK(replay.env == task);
    CHECK(replay.episodes == 20);
    CHECK(replay.steps == steps);
    CHECK(replay.exact_steps == steps);
    CHECK(replay.max_abs_error <= 6e-8);  // one unit in the last place of the first Acrobot observation
    CHECK_FALSE(replay.first_divergence.has_value());
  }
}

TEST_CASE("recorded MinAtar episodes are reproduced to the bit") {
  for (const auto& recorded :
       {std::tuple{"asterix", 5, 3338}, std::tuple{"breakout", 5, 4040}, std::tuple{"freeway", 3, 6501},
        std::tuple{"seaquest", 5, 3121}, std::tuple{"space_invaders", 5, 5076}}) {
    const auto [game, episodes, steps] = recorded;
    CAPTURE(std::get<0>(recorded));
    const EnvironmentReplay replay =
        replay_environment_trace(kData / (std::string("minatar-") + game + ".h5"));
    CHECK(replay.episodes == episodes);
    CHECK(replay.steps == steps);
    CHECK(replay.exact_steps == steps);
    CHECK(replay.max_abs_error == 0);
    CHECK_FALSE(replay.first_divergence.has_value());
  }
}

TEST_CASE("altered boards, rewards and carried-over actions of MinAtar are found") {
  const ScratchDirectory scratch;
  const auto replay = [&](const std::function<void(hid_t)>& change) {
    return replay_environment_trace(changed_copy(scratch, "minatar-breakout", change));
  };
  check_divergence(replay([](hid_t file) { set_element(file, "episode_001/reward", 3, 5); }), 1, 3, "reward");
  check_divergence(replay([](hid_t file) {
                     change_dataset(file, "episode_002/observation",
                                    [](std::vector<double>& v) { v.at(4 * 100 + 5) = 1; });
                   }),
                   2, 0, "observation");
  // Episode 2 begins with the action carried over from the episode before: the draw after that of the reset
  // makes it stick.
  check_divergence(replay([](hid_t file) { set_element(file, "episode_002/draw_value", 1, 0.5); }), 2, 0,
                   "observation");
  check_divergence(replay([](hid_t file) { set_number(file, "episode_002", "initial_last_action", 0); }), 2,
                   0, "observation");
}

TEST_CASE("recorded robots are reproduced to the bit") {
  for (const char* task : {"halfcheetah", "walker2d", "hopper", "ant"}) {
    CAPTURE(task);
    const EnvironmentReplay replay = replay_environment_trace(kData / (std::string(task) + ".h5"));
    CHECK(replay.env == task);
    CHECK(replay.episodes == 2);
    CHECK(replay.steps == 300);
    CHECK(replay.exact_steps == 300);
    CHECK(replay.max_abs_error == 0);
    CHECK_FALSE(replay.first_divergence.has_value());
  }
}

TEST_CASE("recorded robots of PyBullet Gym are reproduced to the bit, in the order of their contacts") {
  for (const auto& [task, steps] :
       {std::pair{"halfcheetah", 1268}, {"walker2d", 785}, {"hopper", 1352}, {"ant", 1947}}) {
    CAPTURE(task);
    const EnvironmentReplay replay =
        replay_environment_trace(kData / (std::string("pybulletgym-") + task + ".h5"));
    CHECK(replay.env == task);
    CHECK(replay.episodes == 6);
    CHECK(replay.steps == steps);
    CHECK(replay.exact_steps == steps);
    CHECK(replay.max_abs_error == 0);
  }
  // Recorded with Bullet's deterministic order: only the end of an episode differs from pybullet_envs.
  const EnvironmentReplay ordered = replay_environment_trace(kData / "pybulletgym-ordered-halfcheetah.h5");
  CHECK(ordered.exact_steps == 1268);
}

TEST_CASE("another order of contacts, or another package, is found") {
  const ScratchDirectory scratch;
  const auto with = [&](const char* key, const std::string& text) {
    return changed_copy(scratch, "pybulletgym-ant", [&](hid_t file) {
      for (int episode = 0; episode < 6; ++episode)
        set_text(file, "episode_00" + std::to_string(episode), key, text);
    });
  };
  CHECK(replay_environment_trace(with("contact_order", "")).first_divergence.has_value());
  CHECK(replay_environment_trace(with("contact_order", "0,1,2,3,4,5,6,7,8,9,10,11,12"))
            .first_divergence.has_value());
  for (const char* damaged : {"0,1", "0,0,2,3,4,5,6,7,8,9,10,11,12", "a", "13,1,2,3,4,5,6,7,8,9,10,11,12",
                              "0,,1", "0;1", "-1", "99999999999999999999"}) {
    CAPTURE(damaged);
    CHECK_THROWS_WITH_AS(replay_environment_trace(with("contact_order", damaged)),
                         doctest::Contains("contact_order"), InputError);
  }
  CHECK_THROWS_AS(replay_environment_trace(with("package", "mujoco")), InputError);
}

TEST_CASE("the compact layout follows a recorded robot for thirty steps") {
  const ScratchDirectory scratch;
  for (const char* task : {"halfcheetah", "walker2d", "hopper", "ant"})
    for (const int episode : {0, 1}) {
      CAPTURE(task);
      CAPTURE(episode);
      const auto fast = [&](hid_t file) { add_flag(file, "episode_00" + std::to_string(episode), "fast"); };
      const EnvironmentReplay replay = replay_environment_trace(changed_copy(scratch, task, fast), {1e-9});
      if (std::string(task) == "halfcheetah") {  // whose layouts are the same
        CHECK(replay.exact_steps == replay.steps);
        continue;
      }
      CHECK(replay.exact_steps < replay.steps);
      if (replay.first_divergence) CHECK(replay.first_divergence->step >= 30);
    }
}

TEST_CASE("a changed recording of a robot diverges where it was changed") {
  const ScratchDirectory scratch;
  const auto copy = [&](const std::function<void(hid_t)>& change) {
    return changed_copy(scratch, "hopper", change);
  };
  const auto nudge = [](const std::string& name, std::size_t index, double by) {
    return [=](hid_t file) {
      change_dataset(file, name, [&](std::vector<double>& values) { values.at(index) += by; });
    };
  };
  check_divergence(replay_environment_trace(copy(nudge("episode_001/joint_velocity", 6 * 11 + 2, 1e-5))), 1,
                   10, "state");
  check_divergence(replay_environment_trace(copy(nudge("episode_000/observation", 15 * 21 + 5, 1e-4))), 0, 20,
                   "observation");
  check_divergence(replay_environment_trace(copy(nudge("episode_000/reward", 33, 1e-5))), 0, 33, "reward");
  // Too small to matter by itself; the dynamics make it grow.
  const EnvironmentReplay chaotic = replay_environment_trace(copy(nudge("episode_000/action", 3 * 8, 1e-3)));
  REQUIRE(chaotic.first_divergence.has_value());
  CHECK(chaotic.first_divergence->step == 8);
  CHECK_THROWS_AS(replay_environment_trace(copy(nudge("episode_000/draws", 0, 1))), InputError);
  const auto renamed = changed_copy(
      scratch, "hopper", [](hid_t) {}, "anything.h5");
  CHECK(replay_environment_trace(renamed).env == "hopper");
}

TEST_CASE("the report names every quantity of the contract") {
  EnvironmentReplay replay = replay_environment_trace(kData / "cartpole.h5");
  nlohmann::json json = replay;
  CHECK(json.at("env") == "cartpole");
  CHECK(json.at("steps") == json.at("exact_steps"));
  CHECK(json.at("first_divergence").is_null());
  CHECK(json.size() == 7);
  replay.first_divergence = Divergence{2, 3, "state"};
  json = replay;
  CHECK(json.at("first_divergence") == nlohmann::json{{"episode", 2}, {"step", 3}, {"field", "state"}});
}

TEST_CASE("a recording without a known env attribute is told by its file name") {
  const ScratchDirectory scratch;
  const auto rename = [](hid_t file) { set_text(file, "/", "env", "CartPole-v1"); };
  CHECK(replay_environment_trace(changed_copy(scratch, "cartpole", rename)).exact_steps == 4694);
  CHECK_THROWS_WITH_AS(replay_environment_trace(changed_copy(scratch, "cartpole", rename, "pole.h5")),
                       doctest::Contains("name the file after one of: cartpole"), InputError);
}

TEST_CASE("each altered quantity is found at its place") {
  const ScratchDirectory scratch;
  const auto replay = [&](const std::string& name, std::size_t index, double value, double tolerance = 0) {
    return replay_environment_trace(
        changed_copy(scratch, "cartpole", [&](hid_t file) { set_element(file, name, index, value); }),
        {tolerance});
  };
  check_divergence(replay("episode_004/reward", 30, 2), 4, 30, "reward");
  check_divergence(replay("episode_003/terminated", 5, 1), 3, 5, "terminated");
  check_divergence(replay("episode_010/truncated", 199, 0), 10, 199, "truncated");
  check_divergence(replay("episode_001/observation", 4 * 7 + 2, 0.125), 1, 6, "observation");
  check_divergence(replay("episode_002/state", 4 * 9 + 1, 0.125), 2, 8, "state");
  check_divergence(replay("episode_002/initial_state", 1, 0.125), 2, -1, "initial_state");
  check_divergence(replay("episode_000/draw_value", 3, 0.5), 0, -1, "state");
  check_divergence(replay("episode_000/draw_step", 3, 4), 0, -1, "draws");
  check_divergence(replay("episode_006/action", 16, 0), 6, 16, "state");

  const EnvironmentReplay altered = replay("episode_004/reward", 30, 1.5);
  CHECK(altered.exact_steps == 4693);
  CHECK(altered.max_abs_error == 0.5);
  CHECK_FALSE(replay("episode_004/reward", 30, 1.5, 0.6).first_divergence.has_value());
}

TEST_CASE("draws of another kind or range, and draws left over, are divergences") {
  const ScratchDirectory scratch;
  const auto kind = [](hid_t file) {
    set_element(file, "episode_005/draw_kind", 2, 1);
    set_element(file, "episode_005/draw_n", 2, 3);
    set_element(file, "episode_005/draw_value", 2, 1);
  };
  check_divergence(replay_environment_trace(changed_copy(scratch, "cartpole", kind)), 5, -1, "draws");
  const auto later = [](hid_t file) {  // a fifth draw in step 12, which nobody asks for
    for (const char* name : {"draw_kind", "draw_n", "draw_step", "draw_value"}) {
      const std::string path = std::string("episode_005/") + name;
      const bool is_value = path.ends_with("value");
      std::vector<double> draws;
      change_dataset(file, path, [&](std::vector<double>& recorded) { draws = recorded; });
      draws.push_back(path.ends_with("step") ? 12 : 0);
      replace_by_zeros(file, path, {5}, is_value ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64);
      change_dataset(file, path, [&](std::vector<double>& recorded) { recorded = draws; });
    }
  };
  check_divergence(replay_environment_trace(changed_copy(scratch, "cartpole", later)), 5, 12, "draws");
  const auto fewer = [](hid_t file) {
    for (const char* name : {"draw_kind", "draw_n", "draw_step", "draw_value"})
      replace_by_zeros(file, std::string("episode_005/") + name, {0}, H5T_NATIVE_INT64);
  };
  check_divergence(replay_environment_trace(changed_copy(scratch, "cartpole", fewer)), 5, -1, "draws");
}

TEST_CASE("the acrobot's angles are compared modulo two pi, its first observation within one unit") {
  const ScratchDirectory scratch;
  const auto turn = [](hid_t file) {
    change_dataset(file, "episode_000/state",
                   [](std::vector<double>& v) { v.at(4 * 100) += 6.283185307179586; });
  };
  const EnvironmentReplay turned = replay_environment_trace(changed_copy(scratch, "acrobot", turn));
  CHECK_FALSE(turned.first_divergence.has_value());
  CHECK(turned.exact_steps == 6232);
  const auto nudge = [](int ulps) {
    return [ulps](hid_t file) {
      change_dataset(file, "episode_000/observation", [&](std::vector<double>& v) {
        for (int i = 0; i < ulps; ++i) v.at(1) = std::nextafter(static_cast<float>(v.at(1)), 1.0f);
      });
    };
  };
  CHECK_FALSE(
      replay_environment_trace(changed_copy(scratch, "acrobot", nudge(1))).first_divergence.has_value());
  check_divergence(replay_environment_trace(changed_copy(scratch, "acrobot", nudge(2))), 0, -1,
                   "observation");
}

TEST_CASE("files that are no usable recording are refused with the reason") {
  const ScratchDirectory scratch;
  const auto refused = [](const fs::path& path, const char* reason) {
    CAPTURE(reason);
    CHECK_THROWS_WITH_AS(replay_environment_trace(path), doctest::Contains(reason), InputError);
    CHECK_THROWS_WITH_AS(replay_environment_trace(path), doctest::Contains(path.c_str()), InputError);
  };
  refused(scratch.path / "none.h5", "No such file");
  refused(scratch.path, "Is a directory");
  std::ofstream(scratch.path / "text.h5") << "not a trace\n";
  refused(scratch.path / "text.h5", "not an HDF5 file");
  std::ofstream(scratch.path / "empty.h5").close();
  refused(scratch.path / "empty.h5", "not an HDF5 file");
  for (const std::uintmax_t size : {600u, 20000u, 400000u}) {
    fs::copy_file(kData / "cartpole.h5", scratch.path / "short.h5", fs::copy_options::overwrite_existing);
    fs::resize_file(scratch.path / "short.h5", size);
    refused(scratch.path / "short.h5", "is truncated");
  }
  const auto refused_change = [&](const std::function<void(hid_t)>& change, const char* reason) {
    refused(changed_copy(scratch, "cartpole", change), reason);
  };
  for (const char* name : {"action", "observation", "state", "reward", "terminated", "truncated", "draw_kind",
                           "draw_n", "draw_value", "draw_step"}) {
    const std::string path = std::string("episode_007/") + name;
    refused_change([&](hid_t file) { H5Ldelete(file, path.c_str(), H5P_DEFAULT); }, path.c_str());
    refused_change(
        [&](hid_t file) {
          replace_by_zeros(file, path, {3, 2, 2}, H5T_NATIVE_INT32);
        },
        path.c_str());
    refused_change([&](hid_t file) { replace_by_zeros(file, path, {501}, H5T_C_S1); }, path.c_str());
  }
  const auto element = [](const char* name, double value) {
    return [=](hid_t file) { set_element(file, name, 2, value); };
  };
  refused_change(element("episode_007/action", 2), "action 2 is outside 0 to 1");
  refused_change(element("episode_007/action", -1), "action -1 is outside 0 to 1");
  refused_change(element("episode_007/state", NAN), "not finite");
  refused_change(element("episode_007/state", 1e300), "a component of 1e+300");
  refused_change(element("episode_007/terminated", 2), "must be 0 or 1");
  refused_change(element("episode_007/draw_value", 1), "draw 2 is outside the range of its kind");
  refused_change(element("episode_007/draw_kind", 2), "must be 0 (U) or 1 (I(n))");
  refused_change(element("episode_007/draw_step", 500), "steps must ascend from -1 to 499");
  refused_change([](hid_t file) { H5Ldelete(file, "episode_019", H5P_DEFAULT); }, "num_episodes disagrees");
  refused_change([](hid_t file) { set_number(file, "/", "num_steps", 4693); }, "num_steps disagrees");
  refused_change([](hid_t file) { set_number(file, "episode_001", "num_steps", 1); }, "num_steps disagrees");
  refused_change([](hid_t file) { set_number(file, "/", "format_version", 2); }, "format_version is not 1");
  refused_change([](hid_t file) { set_text(file, "episode_001", "gym_id", "CartPole-v9"); },
                 "must be one of v0, v1");
  refused_change([](hid_t file) { set_number(file, "episode_001", "reset_low", 3); }, "is above");
  refused_change([](hid_t file) { set_text(file, "/", "env", "acrobot"); }, "4 features instead of 6");
  refused_change(
      [](hid_t file) {
        H5Ldelete(file, "episode_007", H5P_DEFAULT);
        H5Lcreate_soft("/nowhere", file, "episode_007", H5P_DEFAULT, H5P_DEFAULT);
      },
      "is reached by a soft or external link, which is not followed");
  const hid_t bare =
      H5Fcreate((scratch.path / "cartpole.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(bare);
  refused(scratch.path / "cartpole.h5", "there is no group episode_000");
}

#include "io/job_file.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "io/error.hpp"

using namespace impsweep;

namespace {

std::string error_of(const std::string& text) {
  try {
    parse_job(text, "job.toml");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

std::string assignment_error(const std::string& text) {
  try {
    parse_assignment(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("sweeps, nested tables and variants keep keys, values, order and lines") {
  const JobFile job = parse_job(
      "# comment\n"
      "[[sweep]]\n"
      "name = \"a\"\n"
      "seeds = 3\n"
      "network.hidden = [[128, 128], [64]]\n"
      "[sweep.ppo]\n"
      "learning_rate = 1e-3\n"
      "linear_schedule = false\n"
      "[[sweep.variant]]\n"
      "name = \"v\"\n"
      "net.init = 'he'\n"
      "[[sweep]]\n"
      "name = \"b\"\n",
      "job.toml");
  REQUIRE(job.sweeps.size() == 2);
  const auto& entries = job.sweeps[0].entries;
  REQUIRE(entries.size() == 5);
  CHECK(entries[0].key == "name");
  CHECK(*entries[0].value.get<std::string>() == "a");
  CHECK(entries[0].place == "job.toml:3");
  CHECK(*entries[1].value.get<std::int64_t>() == 3);
  CHECK(entries[2].key == "network.hidden");
  CHECK(to_toml(entries[2].value) == "[[128, 128], [64]]");
  CHECK(entries[3].key == "ppo.learning_rate");
  CHECK(*entries[3].value.get<double>() == 1e-3);
  CHECK(entries[3].place == "job.toml:7");
  CHECK(*entries[4].value.get<bool>() == false);
  REQUIRE(job.sweeps[0].variants.size() == 1);
  CHECK(job.sweeps[0].variants[0].entries[1].key == "net.init");
  CHECK(job.sweeps[0].variants[0].entries[1].place == "job.toml:11");
  CHECK(job.sweeps[1].place == "job.toml:12");
}

TEST_CASE("what is not a job says where and why") {
  CHECK(error_of("[[sweep]]\nname = \"a\nseeds = 1\n").starts_with("job.toml:2: not valid TOML"));
  CHECK(error_of("[[sweep]]\nseeds = 1\nseeds = 2\n").starts_with("job.toml:3: not valid TOML"));
  CHECK(error_of("") == "job.toml: there is no [[sweep]]; a job file holds one or more");
  CHECK(error_of("seeds = 1\n[[sweep]]\n").starts_with("job.toml:1: 'seeds' stands outside"));
  CHECK(error_of("[sweep]\nseeds = 1\n").find("[[sweep]]") != std::string::npos);
  CHECK(error_of("sweep = 3\n").find("list of tables") != std::string::npos);
  CHECK(error_of("sweep = []\n").find("list of tables") != std::string::npos);
  CHECK(error_of("[[sweep]]\nvariant = 3\n").find("[[sweep.variant]]") != std::string::npos);
  CHECK(error_of("[[sweep]]\nday = 1979-05-27\n").find("date") != std::string::npos);
  CHECK(error_of("[[sweep]]\nx = nan\n").find("nan") != std::string::npos);
  CHECK(error_of("[[sweep]]\nx = [{a = 1}]\n").find("table inside a list") != std::string::npos);
  CHECK(error_of("[[sweep]]\n[sweep.ppo]\n").find("is empty") != std::string::npos);
  CHECK_THROWS_AS(read_job_file("/does/not/exist.toml"), InputError);
  CHECK_THROWS_AS(read_job_file("/"), InputError);
}

TEST_CASE("assignments take TOML values and bare words") {
  CHECK(*parse_assignment("ppo.learning_rate=1e-3").value.get<double>() == 1e-3);
  CHECK(*parse_assignment("seeds=2").value.get<std::int64_t>() == 2);
  CHECK(*parse_assignment("ppo.linear_schedule=false").value.get<bool>() == false);
  CHECK(*parse_assignment("network.init=xavier").value.get<std::string>() == "xavier");
  CHECK(*parse_assignment("network.init=\"xavier\"").value.get<std::string>() == "xavier");
  CHECK(to_toml(parse_assignment("network.hidden=[64,64]").value) == "[64, 64]");
  CHECK(to_toml(parse_assignment("baselines=[mask/weights, random/re-init]").value) ==
        "[\"mask/weights\", \"random/re-init\"]");
  CHECK(*parse_assignment("digits.path=/usr/share/a-b/c_1").value.get<std::string>() == "/usr/share/a-b/c_1");
  CHECK(*parse_assignment("digits.path=../data").value.get<std::string>() == "../data");
  CHECK(parse_assignment("seeds=2").place == "--set seeds=2");
  for (const char* bad : {"seeds", "=3", "seeds=", "seeds=[1", "seeds=1 2", "x=\"open", "x=1\ny=2"}) {
    CAPTURE(bad);
    CHECK(assignment_error(bad).starts_with("--set "));
  }
}

TEST_CASE("TOML text reads back to the same value") {
  for (const double whole :
       {0.0, 1.0, -3.0, 1e15, -9007199254740992.0}) {  // taken for an integer, which is exact
    const JobEntry entry = parse_assignment("x=" + to_toml(JobValue{whole}));
    REQUIRE(entry.value.get<std::int64_t>() != nullptr);
    CHECK(static_cast<double>(*entry.value.get<std::int64_t>()) == whole);
  }
  for (const double value : {0.1, 1e-300, 123456789.125, 5e-4, 1e22, -0.0, 1.0 / 3}) {
    const JobEntry entry = parse_assignment("x=" + to_toml(JobValue{value}));
    REQUIRE(entry.value.get<double>() != nullptr);
    CHECK(*entry.value.get<double>() == value);
  }
  const std::string text = "quote \" backslash \\ tab \t end \x01 \x7f \xc3\xa4";
  CHECK(*parse_assignment("x=" + to_toml(JobValue{text})).value.get<std::string>() == text);
}

TEST_CASE("deep and long texts are refused before they are parsed") {
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != text.npos; };
  std::string parts;
  for (int i = 0; i < 50'000; ++i) parts += "a.";
  CHECK(has(error_of("[[sweep]]\n" + parts + "b = 1\n"), "job.toml:2: a key of too many parts"));
  CHECK(has(error_of("[[sweep]]\n[" + parts + "b]\n"), "job.toml:2: a key of too many parts"));
  CHECK(has(error_of("a = " + std::string(50'000, '[')), "job.toml:1: too many brackets"));
  CHECK(has(error_of(std::string((16 << 20) + 1, ' ')), "is longer than"));
  // Dots and brackets in texts and comments are none.
  CHECK(error_of("[[sweep]]\nname = \"" + std::string(100, '.') + "\" # " + std::string(100, '[')) ==
        "no error");
}

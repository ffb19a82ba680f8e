#include "io/record.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <limits>

#include "io/error.hpp"
#include "scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Record sample() {
  Record record;
  record.attributes[""] = {{"step", 12}, {"task", "cartpole"}};
  record.attributes["settings"] = {{"rate", 5e-4}, {"hidden", std::vector<std::int64_t>{128, 128}}};
  record.attributes["provenance"]["host"] = "node1";
  record.arrays["curve/mean"] = Array::vector<double>({1.5, kNaN, -0.0});
  record.arrays["weights/0"] = Array::matrix<float>(2, 2, {1, 2, 3, 4});
  return record;
}

}  // namespace

TEST_CASE("records are equal to the bit") {
  Record changed = sample();
  CHECK(changed == sample());
  CHECK(content_digest(changed) == content_digest(sample()));
  changed.origin = "elsewhere.h5";
  CHECK(changed == sample());

  changed.arrays["curve/mean"] = Array::vector<double>({1.5, kNaN, 0.0});
  CHECK_FALSE(changed == sample());
  CHECK(content_digest(changed) != content_digest(sample()));
  const double other_nan = std::bit_cast<double>(std::bit_cast<std::uint64_t>(kNaN) + 1);
  changed.arrays["curve/mean"] = Array::vector<double>({1.5, other_nan, -0.0});
  CHECK_FALSE(changed == sample());
  CHECK(content_digest(changed) != content_digest(sample()));
}

TEST_CASE("a group without attributes is no difference") {
  Record record = sample();
  record.attributes["empty"];
  CHECK(record == sample());
  CHECK(content_digest(record) == content_digest(sample()));
}

TEST_CASE("the first difference names the place and both values") {
  const auto difference_after = [](const auto& change) {
    Record changed = sample();
    change(changed);
    const auto difference = first_difference(sample(), changed);
    CHECK(content_digest(changed) != content_digest(sample()));
    return difference ? difference->place + ": " + difference->text : "none";
  };
  CHECK(difference_after([](Record& r) { r.attributes[""]["step"] = 13; }) == "@step: 12 against 13");
  CHECK(difference_after([](Record& r) { r.attributes[""]["step"] = 12.0; }) ==
        "@step: integer against number");
  CHECK(difference_after([](Record& r) { r.attributes[""]["task"] = "acrobot"; }) ==
        "@task: cartpole against acrobot");
  CHECK(difference_after([](Record& r) { r.attributes[""].erase("step"); }) == "@step: only in the first");
  CHECK(difference_after([](Record& r) { r.attributes["settings"]["new"] = 1; }) ==
        "settings@new: only in the second");
  CHECK(difference_after([](Record& r) {
          r.attributes["settings"]["hidden"] = std::vector<std::int64_t>{128};
        }) == "settings@hidden: 2 against 1 elements");
  CHECK(difference_after([](Record& r) {
          r.arrays["weights/0"] = Array::matrix<float>(2, 2, {1, 2, 3, 5});
        }) == "weights/0: element 3: 4 against 5");
  CHECK(difference_after([](Record& r) { r.arrays["weights/0"].shape = {4}; }) ==
        "weights/0: float32 [2][2] against float32 [4]");
  CHECK(difference_after([](Record& r) {
          r.arrays["weights/0"] = Array::matrix<double>(2, 2, {1, 2, 3, 4});
        }) == "weights/0: float32 [2][2] against float64 [2][2]");
  CHECK(difference_after([](Record& r) { r.arrays.erase("weights/0"); }) == "weights/0: only in the first");
  CHECK(difference_after([](Record& r) {
          r.arrays["curve/mean"] =
              Array::vector<double>({1.5, std::bit_cast<double>(0x7ff8000000000001), -0.0});
        }) == "curve/mean: element 1: nan against nan (bits 7ff8000000000000 and 7ff8000000000001)");
}

TEST_CASE("an excluded top-level group is not part of the comparison") {
  Record elsewhere = sample();
  elsewhere.attributes["provenance"]["host"] = "node2";
  elsewhere.attributes["provenance/slurm"]["job"] = 7;
  elsewhere.arrays["provenance/seconds"] = Array::vector<double>({1});
  CHECK(first_difference(sample(), elsewhere));
  CHECK_FALSE(first_difference(sample(), elsewhere, "provenance"));
  CHECK(content_digest(sample(), "provenance") == content_digest(elsewhere, "provenance"));
  elsewhere.attributes["provenance2"]["x"] = 1;  // a longer name is another group
  CHECK(first_difference(sample(), elsewhere, "provenance"));
  CHECK(content_digest(sample(), "provenance") != content_digest(elsewhere, "provenance"));
}

TEST_CASE("the digest sees where values end") {
  Record a, b;
  a.attributes[""]["x"] = std::vector<std::string>{"ab", "c"};
  b.attributes[""]["x"] = std::vector<std::string>{"a", "bc"};
  CHECK(content_digest(a) != content_digest(b));
  CHECK(content_digest(Record{}).size() == 64);
}

TEST_CASE("getters give values, or say what is wrong with which file") {
  Record record = sample();
  record.attributes["x"] = {{"texts", std::vector<std::string>{"a"}}, {"numbers", std::vector<double>{0.5}}};
  CHECK(record.integer("", "step") == 12);
  CHECK(record.number("", "step") == 12.0);
  CHECK(record.number("settings", "rate") == 5e-4);
  CHECK(record.text("", "task") == "cartpole");
  CHECK(record.integers("settings", "hidden") == std::vector<std::int64_t>{128, 128});
  CHECK(record.numbers("settings", "hidden") == std::vector<double>{128, 128});
  CHECK(record.numbers("x", "numbers") == std::vector<double>{0.5});
  CHECK(record.texts("x", "texts") == std::vector<std::string>{"a"});
  CHECK(record.array("weights/0").shape == std::vector<std::uint64_t>{2, 2});
  CHECK(record.values<float>("weights/0")[3] == 4);

  record.origin = "rounds/ab/abcd.h5";
  const auto message = [](const auto& action) { return message_of<InputError>(action); };
  CHECK(message([&] { record.integer("settings", "rate"); }) ==
        "rounds/ab/abcd.h5: 'settings@rate' is of type number, not integer; check that this is the right "
        "file, made "
        "by a matching version");
  CHECK(contains(message([&] { record.text("none", "x"); }), "'none@x' is missing"));
  CHECK(contains(message([&] { record.number("", "task"); }), "'@task' is of type text, not number"));
  CHECK(contains(message([&] { record.array("weights/1"); }), "'weights/1' is missing"));
  CHECK(contains(message([&] { record.values<double>("weights/0"); }),
                 "'weights/0' is float32 [2][2], not of float64"));
  record.origin.clear();
  CHECK(contains(message([&] { record.array("y"); }), "record in memory"));
}

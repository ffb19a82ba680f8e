#include "io/record_columns.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "io/error.hpp"
#include "scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

// Records that have nothing, everything, and other types and shapes under the same names.
std::vector<Record> samples() {
  std::vector<Record> records(4);
  Record& first = records[1];
  first.attributes[""] = {{"digest", "a"}, {"step", 7}, {"empty", ""}};
  first.attributes["a/b"] = {{"numbers", std::vector<double>{0.5, -0.0}},
                             {"integers", std::vector<std::int64_t>{}},
                             {"texts", std::vector<std::string>{"x", "", "long"}},
                             {"number", std::numeric_limits<double>::quiet_NaN()}};
  first.arrays["a/float32"] = Array::matrix<float>(1, 2, {std::numeric_limits<float>::quiet_NaN(), -0.0F});
  first.arrays["a/float64"] = {{}, std::vector<double>{1e-310}};
  first.arrays["int32"] = Array::vector<std::int32_t>({-1});
  first.arrays["int64"] = Array::vector<std::int64_t>({std::numeric_limits<std::int64_t>::min()});
  first.arrays["uint8"] = Array::matrix<std::uint8_t>(0, 3, {});
  records[2] = first;
  records[2].attributes[""]["digest"] = 3.5;
  records[2].attributes["a/b"]["texts"] = std::vector<std::string>{""};
  records[2].arrays["a/float32"] = Array::vector<float>({1, 2, 3});
  records[3].arrays["int32"] = Array::vector<std::int32_t>({});
  return records;
}

Bytes file_of(const std::vector<Record>& records) {
  Hdf5Writer writer(0, Hdf5Writer::Effort::kSmallest);
  write_record_columns(writer, "records", records);
  return writer.image();
}

}  // namespace

TEST_CASE("records come back from columns equal to the bit, whatever each of them lacks") {
  for (const std::vector<Record>& records : {samples(), std::vector<Record>()}) {
    const RecordColumns columns(Hdf5File::open_image(file_of(records), "x.h5"), "records");
    REQUIRE(columns.size() == records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      CAPTURE(i);
      const auto difference = first_difference(records[i], columns.record(i));
      CHECK_MESSAGE(!difference, (difference ? difference->place + ": " + difference->text : ""));
    }
  }
}

TEST_CASE("means and deviations of rows are not stored, and come back to the bit") {
  constexpr float kNothing = std::numeric_limits<float>::quiet_NaN();
  const double third = 1.0 / 3,
               deviation = std::sqrt(((1 - third) * (1 - third) + third * third + third * third) / 3);
  std::vector<Record> records(3);
  for (Record& record : records) {
    record.arrays["curve/returns"] = Array::matrix<float>(2, 4, {1, kNothing, 0, 0, -7, 7, 7, 7});
    record.arrays["curve/mean"] = Array::vector<double>({third, 3.5});
    record.arrays["curve/deviation"] =
        Array::vector<double>({deviation, std::sqrt((10.5 * 10.5 + 3 * 3.5 * 3.5) / 4)});
    record.arrays["other/mean"] = record.arrays["curve/mean"];
  }
  records[1].arrays["curve/mean"] = Array::vector<double>({std::nextafter(third, 1.0), 3.5});
  records[2].arrays.erase("curve/returns");
  const Hdf5File file = Hdf5File::open_image(file_of(records), "x.h5");
  const auto types = file.attribute_strings("records", "types");
  CHECK(std::ranges::count(types, "means of curve/returns") == 1);
  CHECK(std::ranges::count(types, "deviations of curve/returns") == 1);
  // Two of other/mean and of curve/mean in two records, deviation in one, two elements each.
  CHECK(file.read<double>("records/float64").size() == 2 * (3 + 2 + 1));
  const RecordColumns columns(file, "records");
  for (std::size_t i = 0; i < records.size(); ++i) CHECK(!first_difference(records[i], columns.record(i)));
}

TEST_CASE("means of what is no matrix are refused") {
  for (const bool is_empty : {false, true}) {
    Hdf5Writer writer;
    writer.array("records/extents", Array::vector<std::int64_t>({0, is_empty ? 1'000'000'000'000 : 0, 0}));
    writer.array("records/float32", Array::vector<float>({}));
    writer.array("records/float64", Array::vector<double>({}));
    writer.array("records/int64", Array::vector<std::int64_t>({}));
    writer.array("records/int32", Array::vector<std::int32_t>({}));
    writer.array("records/uint8", Array::vector<std::uint8_t>({}));
    writer.attribute("records", "count", 1);
    writer.attribute("records", "places",
                     std::vector<std::string>{"a/mean", is_empty ? "a/returns" : "a/other"});
    writer.attribute("records", "types", std::vector<std::string>{"means of a/returns", "float32"});
    writer.attribute("records", "ranks", std::vector<std::int64_t>{1, 2});
    const Hdf5File file = Hdf5File::open_image(writer.image(), "x.h5");
    CHECK(contains(message_of<InputError>([&] { RecordColumns(file, "records").record(0); }),
                   "do not fit together"));
  }
}

TEST_CASE("columns that do not fit together are refused") {
  const auto refused = [](const std::string& name, const Attribute& value) {
    Hdf5Writer writer;
    writer.array("records/extents", Array::vector<std::int64_t>({2, 3, -1, -1}));
    for (const char* pool : {"float32", "float64", "int64", "int32", "uint8"}) {
      const std::string path = std::string("records/") + pool;
      if (path == "records/float64") writer.array(path, Array::vector<double>({1, 2, 3, 4, 5}));
      if (path == "records/float32") writer.array(path, Array::vector<float>({}));
      if (path == "records/int64") writer.array(path, Array::vector<std::int64_t>({}));
      if (path == "records/int32") writer.array(path, Array::vector<std::int32_t>({}));
      if (path == "records/uint8") writer.array(path, Array::vector<std::uint8_t>({}));
    }
    std::map<std::string, Attribute> heads = {{"count", 2},
                                              {"places", std::vector<std::string>{"a", "b@c"}},
                                              {"types", std::vector<std::string>{"float64", "text"}},
                                              {"ranks", std::vector<std::int64_t>{1, 1}}};
    if (!name.empty()) heads[name] = value;
    for (const auto& [head, text] : heads) writer.attribute("records", head, text);
    const Hdf5File file = Hdf5File::open_image(writer.image(), "x.h5");
    return message_of<InputError>([&] { RecordColumns(file, "records").record(0); });
  };
  CHECK(refused("", 0).empty());
  CHECK(contains(refused("count", 3), "do not fit together"));
  CHECK(contains(refused("count", -1), "do not fit together"));
  CHECK(contains(refused("count", std::numeric_limits<std::int64_t>::max()), "do not fit together"));
  CHECK(contains(refused("types", std::vector<std::string>{"float32", "text"}), "do not fit together"));
  CHECK(contains(refused("types", std::vector<std::string>{"colour", "text"}), "do not fit together"));
  CHECK(contains(refused("types", std::vector<std::string>{"number", "text"}), "do not fit together"));
  CHECK(contains(refused("ranks", std::vector<std::int64_t>{9, 1}), "do not fit together"));
  CHECK(contains(refused("ranks", std::vector<std::int64_t>{2, 2}), "do not fit together"));
  CHECK(contains(refused("places", std::vector<std::string>{"a"}), "do not fit together"));
}

// Reads files that h5py wrote (tests/data/make_h5py_samples.py), and files of Hdf5Writer.
#include "io/hdf5.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <numeric>

#include "io/error.hpp"
#include "io/files.hpp"
#include "io/hdf5_extent.hpp"
#include "io/hdf5_writer.hpp"
#include "scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

using Ints = std::vector<std::int64_t>;
using Texts = std::vector<std::string>;

std::filesystem::path sample(const std::string& generation) {
  return std::filesystem::path(IMPSWEEP_TEST_DATA) / ("h5py-" + generation + ".h5");
}

std::string message(const auto& action) {
  return message_of<InputError>(action);
}

}  // namespace

TEST_CASE("attributes that h5py wrote are read in all their forms") {
  for (const char* generation : {"old", "new"}) {
    CAPTURE(generation);
    const Hdf5File file = Hdf5File::open_readonly(sample(generation));
    CHECK(file.attribute_int("", "int32") == -7);
    CHECK(file.attribute_int("", "uint8") == 200);
    CHECK(file.attribute_int("", "truth") == 1);
    CHECK(file.attribute_double("", "float64") == 0.1);
    CHECK(file.attribute_double("", "float32") == static_cast<double>(0.1F));
    CHECK(file.attribute_double("", "int32") == -7.0);
    CHECK(file.attribute_string("", "variable_text") == "na\xc3\xafve");
    CHECK(file.attribute_string("", "fixed_text") == "fixed");
    CHECK(file.attribute_string("", "space_padded") == "left");
    CHECK(file.attribute_string("", "null_padded") == "left");
    CHECK(file.attribute_string("", "null_terminated") == "left");
    CHECK(file.attribute_ints("", "hidden") == Ints{128, 64});
    CHECK(file.attribute_ints("", "small") == Ints{-1, 2, 3});
    CHECK(file.attribute_ints("", "none").empty());
    CHECK(file.attribute_doubles("", "matrix") == std::vector<double>{1.5, 2.5, 3.5, 4.5});
    CHECK(file.attribute_doubles("", "hidden") == std::vector<double>{128, 64});
    CHECK(file.attribute_strings("", "prunable") == Texts{"actor/0/weight", "value"});
    CHECK(file.attribute_strings("", "names") == Texts{"hip", "ankle"});
    CHECK(file.attribute_int("episodes/episode_010", "number") == 10);
    CHECK(file.has_attribute("", "hidden"));
    CHECK_FALSE(file.has_attribute("", "absent"));
    CHECK_FALSE(file.has_attribute("absent", "hidden"));
    CHECK(file.attribute_names("episodes/episode_001") == Texts{"number"});
    CHECK(file.attribute_names("").size() == 18);
  }
}

TEST_CASE("datasets that h5py wrote are read in all their forms") {
  for (const char* generation : {"old", "new"}) {
    CAPTURE(generation);
    const Hdf5File file = Hdf5File::open_readonly(sample(generation));
    for (const char* type : {"f4", "f8", "i1", "i4", "i8", "u1"}) {
      CAPTURE(type);
      const std::string path = std::string("numbers/") + type;
      CHECK(file.shape(path) == std::vector<std::uint64_t>{2, 3});
      CHECK(file.read<double>(path) == std::vector<double>{0, 1, 2, 3, 4, 5});
      CHECK(file.read<float>(path) == std::vector<float>{0, 1, 2, 3, 4, 5});
      if (type[0] != 'f') CHECK(file.read<std::int32_t>(path) == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5});
      if (type[0] != 'f') CHECK(file.read<std::uint8_t>(path) == std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5});
    }
    CHECK(file.read<double>("numbers/big_endian") == std::vector<double>{1.25, -2.5});
    CHECK(file.read<std::uint8_t>("numbers/truth") == std::vector<std::uint8_t>{1, 0});
    CHECK(file.read<float>("numbers/half") == std::vector<float>{0.5F});
    CHECK(file.read<std::int64_t>("numbers/large") == Ints{1099511627776, 1});
    CHECK(file.shape("numbers/scalar").empty());
    CHECK(file.read<double>("numbers/scalar") == std::vector<double>{2.5});
    CHECK(file.shape("numbers/empty") == std::vector<std::uint64_t>{0, 4});
    CHECK(file.read<float>("numbers/empty").empty());
    std::vector<double> expected(5000);
    std::iota(expected.begin(), expected.end(), 0.0);
    CHECK(file.read<double>("numbers/deflated") == expected);
    CHECK(file.read_strings("texts") == Texts{"one", "three"});
    CHECK(file.read_strings("variable_texts") == Texts{"a", "longer"});
    CHECK(type_name(file.array("numbers/u1")) == "uint8 [2][3]");
    CHECK(type_name(file.array("numbers/f4")) == "float32 [2][3]");
  }
}

TEST_CASE("groups are listed in byte order and links without a target do not exist") {
  const Hdf5File file = Hdf5File::open_readonly(sample("old"));
  CHECK(file.children("episodes") == Texts{"episode_001", "episode_002", "episode_010"});
  CHECK(file.children() == Texts{"dangling", "episodes", "numbers", "pairs", "texts", "variable_texts"});
  CHECK(file.exists(""));
  CHECK(file.exists("episodes/episode_002"));
  CHECK(file.is_group("episodes"));
  CHECK_FALSE(file.is_group("texts"));
  CHECK_FALSE(file.exists("episodes/absent/deeper"));
  CHECK_FALSE(file.exists("texts/below-a-dataset"));
  CHECK_FALSE(file.exists("dangling"));
}

TEST_CASE("what is missing or of another type is named with file and place") {
  const Hdf5File file = Hdf5File::open_readonly(sample("old"));
  const std::string name = sample("old").string();
  CHECK(message([&] { file.attribute_int("", "absent"); }) ==
        name + ": '@absent': is missing; check that this is the right file");
  CHECK(contains(message([&] { file.attribute_int("", "float64"); }), "is of type number, not integer"));
  CHECK(contains(message([&] { file.attribute_double("", "fixed_text"); }), "is of type text, not number"));
  CHECK(contains(message([&] { file.attribute_string("", "names"); }), "is of type texts, not text"));
  CHECK(contains(message([&] { file.attribute_int("", "hidden"); }), "is of type integers, not integer"));
  CHECK(contains(message([&] { file.attribute("", "pair"); }), "'@pair': is neither number nor text"));
  CHECK(contains(message([&] { file.attribute("", "too_large"); }), "beyond the range of int64"));
  CHECK(contains(message([&] { file.read<float>("absent/x"); }), "'absent/x': "));
  CHECK(contains(message([&] { file.read<float>("episodes"); }), "is a group, not a dataset"));
  CHECK(contains(message([&] { file.read<float>("texts"); }), "does not hold numbers"));
  CHECK(contains(message([&] { file.read<float>("pairs"); }), "does not hold numbers"));
  CHECK(contains(message([&] { file.read_strings("numbers/f4"); }), "does not hold text"));
  CHECK(contains(message([&] { file.read<std::int32_t>("numbers/f8"); }), "holds fractions, not integers"));
  CHECK(contains(message([&] { file.read<std::int32_t>("numbers/large"); }), "'numbers/large': "));
  CHECK(contains(message([&] { file.read<float>("dangling"); }), "'dangling': "));
  CHECK(contains(message([&] { file.children("texts"); }), "is a dataset, not a group"));
  CHECK(contains(message([&] { file.array("numbers/half"); }), "element type that records do not have"));
  CHECK(contains(message([&] { file.shape("absent"); }), name));
}

TEST_CASE("what is not a whole HDF5 file is refused before the library sees it") {
  const Scratch scratch;
  const auto open = [&](const std::string& name) {
    return message([&] { Hdf5File::open_readonly(scratch / name); });
  };
  CHECK(contains(open("absent.h5"), "absent.h5: cannot read: No such file or directory; check the path"));
  CHECK(contains(open("."), "Is a directory"));
  spill(scratch / "empty.h5", "");
  CHECK(contains(open("empty.h5"),
                 "is not an HDF5 file (no HDF5 signature); check that this is the right file"));
  spill(scratch / "text.h5", std::string(5000, 'x'));
  CHECK(contains(open("text.h5"), "is not an HDF5 file"));
  for (const char* generation : {"old", "new"}) {
    const std::string whole = read_text_file(sample(generation));
    // Every length of the superblock and steps through the rest.
    for (std::size_t length = 0; length < whole.size(); length += length < 200 ? 1 : 97) {
      CAPTURE(length);
      spill(scratch / "cut.h5", whole.substr(0, length));
      const std::string reason = open("cut.h5");
      CHECK((contains(reason, "is truncated") || contains(reason, "is not an HDF5 file")));
    }
    spill(scratch / "moved.h5", std::string(512, ' ') + whole);  // any user block may stand before it
    CHECK(open("moved.h5").empty());
  }
}

TEST_CASE("the length that a file claims is read from every version of the superblock") {
  for (const char* generation : {"old", "new"}) {
    const Bytes whole = read_file(sample(generation));
    const auto extent = hdf5_extent(whole);
    REQUIRE(extent);
    CHECK(extent->superblock == 0);
    CHECK(extent->end_of_file == whole.size());
  }
  CHECK_FALSE(hdf5_extent({}));
  CHECK_FALSE(hdf5_extent(bytes_of("\x89HDF\r\n\x1a\n")));
}

TEST_CASE("what the writer wrote is read back, from memory and from disk") {
  const Scratch scratch;
  Hdf5Writer writer;
  writer.array("deep/er/float32", Array::matrix<float>(2, 1, {1, 2}));
  writer.array("deep/scalar", {{}, std::vector<double>{0.5}});
  writer.array("deep/empty", Array::matrix<std::uint8_t>(0, 7, {}));
  std::vector<std::int32_t> large(300'000);
  std::iota(large.begin(), large.end(), -5);
  writer.array("large", {{3, 1000, 100}, large});
  writer.attribute("", "text", "");
  writer.attribute("", "unicode", "naïve");
  writer.attribute("", "texts", Texts{"", "longer"});
  writer.attribute("", "no_texts", Texts{});
  writer.attribute("", "no_numbers", std::vector<double>{});
  writer.attribute("deep", "integer", -1);
  writer.attribute("deep", "huge", std::string(200'000, 'x'));  // beyond the 64 KiB of the old format
  writer.attribute("large", "unit", "steps");
  writer.attribute("new/group", "number", 0.1);
  writer.group("new/group");
  const Bytes image = writer.image();
  CHECK(image.size() < 600'000);  // 1.2 MB of integers, deflated
  publish_new(scratch / "image.h5", image);

  Hdf5File files[] = {Hdf5File::open_image(image, "image"), Hdf5File::open_readonly(scratch / "image.h5")};
  for (const Hdf5File& file : files) {
    CAPTURE(file.name());
    CHECK(file.children("deep") == Texts{"empty", "er", "scalar"});
    CHECK(file.read<float>("deep/er/float32") == std::vector<float>{1, 2});
    CHECK(file.shape("deep/scalar").empty());
    CHECK(file.shape("deep/empty") == std::vector<std::uint64_t>{0, 7});
    const Array large = file.array("large");
    CHECK(type_name(large) == "int32 [3][1000][100]");
    CHECK(std::get<std::vector<std::int32_t>>(large.values)[299'999] == 299'994);
    CHECK(file.attribute_string("", "text").empty());
    CHECK(file.attribute_string("", "unicode") == "naïve");
    CHECK(file.attribute_strings("", "texts") == Texts{"", "longer"});
    CHECK(file.attribute_strings("", "no_texts").empty());
    CHECK(file.attribute_doubles("", "no_numbers").empty());
    CHECK(file.attribute_int("deep", "integer") == -1);
    CHECK(file.attribute_string("deep", "huge").size() == 200'000);
    CHECK(file.attribute_string("large", "unit") == "steps");
    CHECK(file.attribute_double("new/group", "number") == 0.1);
  }
}

TEST_CASE("mistakes of the caller are refused with the place") {
  const auto mistake = [](const auto& action) {
    Hdf5Writer writer;
    writer.array("a", Array::vector<float>({1}));
    return message_of<std::invalid_argument>([&] { action(writer); });
  };
  CHECK(contains(mistake([](Hdf5Writer& w) {
                   w.array("b", {{3}, std::vector<float>{1}});
                 }),
                 "'b': 1 values do not fill float32 [3]"));
  CHECK(contains(mistake([](Hdf5Writer& w) { w.array("a", Array::vector<float>({1})); }), "'a': "));
  CHECK(contains(mistake([](Hdf5Writer& w) { w.array("a/b", Array::vector<float>({1})); }), "'a': "));
  for (const char* path : {"", "/b", "b/", "b//c", "./b"})
    CHECK(
        contains(mistake([&](Hdf5Writer& w) { w.array(path, Array::vector<float>({1})); }), "is not a path"));
  CHECK(contains(mistake([](Hdf5Writer& w) { w.attribute("", "x", std::string("a\0b", 3)); }), "NUL"));
  CHECK(contains(mistake([](Hdf5Writer& w) { w.attribute("", "", 1); }), "is not a name"));
  CHECK(contains(mistake([](Hdf5Writer& w) { w.table("t", {}); }), "at least one column"));
}

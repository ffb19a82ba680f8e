#include "io/record_file.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cstdlib>
#include <limits>

#include "io/files.hpp"
#include "io/hdf5.hpp"
#include "scratch.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

// Small, so that the tests below can visit every byte, and with one value of every type.
Record sample() {
  Record record;
  record.attributes[""] = {{"step", 7}, {"task", "cartpole"}, {"empty", ""}};
  record.attributes["a/b"] = {{"numbers", std::vector<double>{0.5, -0.0}},
                              {"integers", std::vector<std::int64_t>{}},
                              {"texts", std::vector<std::string>{"x", "", "long"}},
                              {"number", std::bit_cast<double>(0x7ff8000000001234)}};
  record.arrays["a/float32"] = Array::matrix<float>(1, 2, {std::numeric_limits<float>::quiet_NaN(), -0.0F});
  record.arrays["a/float64"] = {{}, std::vector<double>{1e-310}};
  record.arrays["int32"] = Array::vector<std::int32_t>({-1});
  record.arrays["int64"] = Array::vector<std::int64_t>({std::numeric_limits<std::int64_t>::min()});
  record.arrays["uint8"] = Array::matrix<std::uint8_t>(0, 3, {});
  return record;
}

Record large_sample() {
  Record record = sample();
  std::vector<float> weights(50'000);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 977) * 0.125F;
  record.arrays["weights"] = {{50, 10, 100}, weights};
  for (int i = 0; i < 40; ++i) record.attributes["many"]["key" + std::to_string(i)] = i;
  return record;
}

std::string damage(ByteView bytes) {
  return message_of<DamagedFile>([&] { decode_record(bytes, "x.h5"); });
}

}  // namespace

TEST_CASE("a record comes back equal to the bit, and equal records are equal bytes") {
  for (const Record& record : {Record{}, sample(), large_sample()}) {
    const Bytes bytes = encode_record(record);
    const Record back = decode_record(bytes, "x.h5");
    const auto difference = first_difference(record, back);
    CHECK_MESSAGE(!difference, (difference ? difference->place + ": " + difference->text : ""));
    CHECK(back.origin == "x.h5");
    std::free(std::malloc(1 << 20));  // stale memory must not leak into the bytes
    CHECK(encode_record(back) == bytes);
  }
}

TEST_CASE("attributes can be read without the arrays") {
  const Record attributes = decode_record(encode_record(large_sample()), "x.h5", RecordPart::kAttributes);
  CHECK(attributes.arrays.empty());
  CHECK(attributes.integer("", "step") == 7);
  CHECK(attributes.integer("many", "key39") == 39);
}

TEST_CASE("the first lines tell people what the file is") {
  const Bytes bytes = encode_record(sample());
  CHECK(text_of(bytes).starts_with("impsweep record, format 1\npayload_bytes "));
  CHECK(text_of(bytes).substr(512, 8) == "\x89HDF\r\n\x1a\n");
  CHECK(Hdf5File::open_image(bytes, "x").attribute_string("", "task") == "cartpole");
}

TEST_CASE("a file cut at any byte is damaged, and never crashes the reader") {
  const Bytes bytes = encode_record(sample());
  REQUIRE(bytes.size() < 20'000);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CAPTURE(length);
    REQUIRE_FALSE(damage(ByteView(bytes).first(length)).empty());
  }
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  CHECK(contains(damage(longer), "bytes of payload where"));
}

TEST_CASE("a file with any byte altered is damaged") {
  Bytes bytes = encode_record(sample());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    CAPTURE(i);
    for (const std::byte flip : {std::byte{0x01}, std::byte{0x80}}) {
      bytes[i] ^= flip;
      REQUIRE_FALSE(damage(bytes).empty());
      bytes[i] ^= flip;
    }
  }
  CHECK(damage(bytes).empty());
}

TEST_CASE("zeroed blocks and exchanged halves are damage") {
  const Bytes bytes = encode_record(large_sample());
  for (std::size_t block = 0; block + 4096 <= bytes.size(); block += 4096) {
    Bytes zeroed = bytes;
    std::fill_n(zeroed.begin() + static_cast<std::ptrdiff_t>(block), 4096, std::byte{0});
    if (zeroed != bytes) CHECK_FALSE(damage(zeroed).empty());
  }
  Bytes mixed = encode_record(sample());
  std::copy_n(bytes.begin(), 512, mixed.begin());
  CHECK(contains(damage(mixed), "bytes of payload where"));
}

TEST_CASE("the reason and the remedy fit what the file is") {
  const Scratch scratch;
  const auto read = [&](std::string_view content) {
    spill(scratch / "x.h5", content);
    return message_of<DamagedFile>([&] { read_record_file(scratch / "x.h5"); });
  };
  const std::string whole(text_of(encode_record(sample())));
  CHECK(read(whole).empty());
  CHECK(contains(read(""), "x.h5: is empty; restore a copy, or remove it and run again"));
  CHECK(contains(read(std::string(4096, '\0')), "holds nothing but zeros (4096 bytes)"));
  CHECK(contains(read("some notes\n" + std::string(1000, 'x')),
                 "does not begin like an impsweep record; check that this is the right file"));
  CHECK(contains(read(read_text_file(std::string(IMPSWEEP_TEST_DATA) + "/h5py-old.h5")),
                 "does not begin like an impsweep record"));
  CHECK(contains(read(whole.substr(0, 100)), "is truncated in its user block"));
  CHECK(contains(read(whole.substr(0, 512)), "has 0 bytes of payload where"));
  CHECK(contains(read(whole.substr(0, 1000)), "has 488 bytes of payload where"));
  std::string altered = whole;
  altered[1000] ^= 1;
  CHECK(contains(read(altered), "is altered (its checksum does not match)"));
  std::string newer = whole;
  newer.replace(newer.find("format 1"), 8, "format 2");
  spill(scratch / "x.h5", newer);
  CHECK(contains(message_of<NewerFormat>([&] { read_record_file(scratch / "x.h5"); }),
                 "is of format 2, this program reads format 1; use the newer impsweep"));
  CHECK(message_of<InputError>([&] { read_record_file(scratch / "absent.h5"); }) ==
        (scratch / "absent.h5").string() + ": cannot read: No such file or directory; check the path");
}

TEST_CASE("what a file cannot hold is a mistake of the caller") {
  const auto mistake = [](const Record& record) {
    return message_of<std::invalid_argument>([&] { encode_record(record); });
  };
  Record record;
  record.arrays["x"] = {{4}, std::vector<float>{1}};
  CHECK(contains(mistake(record), "'x': 1 values do not fill float32 [4]"));
  record.arrays["x"] = Array::vector<float>({1});
  record.attributes["x"]["unit"] = "m";
  CHECK(contains(mistake(record), "'x' is an array"));
  record.attributes.erase("x");
  record.attributes["x/below"]["unit"] = "m";
  CHECK_FALSE(mistake(record).empty());
}

TEST_CASE("a few places of a record, and nothing else; what is missing stays away") {
  Record record;
  record.attributes[""]["format"] = std::int64_t{1};
  record.attributes["result"]["best"] = 2.5;
  record.arrays["curve/mean"] = Array::vector<double>({1, 2});
  record.arrays["curve/step"] = Array::vector<std::int64_t>({0, 1});
  const std::vector<std::string> places = {"result", "curve/mean", "mask/absent"};
  const Record some = decode_record(encode_record(record), "some.h5", places);
  CHECK(some.attributes.size() == 1);
  CHECK(some.number("result", "best") == 2.5);
  CHECK(some.arrays.size() == 1);
  CHECK(some.values<double>("curve/mean") == std::vector<double>{1, 2});
  Bytes cut = encode_record(record);
  cut.resize(cut.size() - 1);
  CHECK_THROWS_AS(decode_record(cut, "some.h5", places), DamagedFile);
}

TEST_CASE("what is written can be read: paths that lie too deep are refused by the writer") {
  std::string path = "a";
  for (int depth = 0; depth < 16; ++depth) path += "/a";
  Record record;
  record.arrays[path] = Array::vector(std::vector<double>{1.0});
  CHECK(decode_record(encode_record(record), "file") == record);
  Record deeper;
  deeper.arrays[path + "/a"] = Array::vector(std::vector<double>{1.0});
  CHECK_THROWS_AS(encode_record(deeper), std::invalid_argument);
  Record group;
  group.attributes[path + "/a"]["name"] = std::int64_t{1};
  CHECK_THROWS_AS(encode_record(group), std::invalid_argument);
}

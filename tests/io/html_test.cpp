#include "io/html.hpp"

#include <doctest/doctest.h>

#include "tests/io/scratch.hpp"

using namespace impsweep;
using impsweep::testing::contains;

TEST_CASE("escaped text can neither open a tag nor leave an attribute") {
  CHECK(html_escape("<script>\"&'") == "&lt;script&gt;&quot;&amp;&#39;");
  CHECK(html_escape("mask/weights") == "mask/weights");
}

TEST_CASE("a page is whole, and forbids whatever comes from elsewhere") {
  const std::string page = html_page("a <b>", "<p>text</p>");
  CHECK(page.starts_with("<!doctype html>"));
  CHECK(contains(page, "<title>a &lt;b&gt;</title>"));
  CHECK(contains(page, "<p>text</p>"));
  CHECK(contains(page, "default-src 'none'"));
  CHECK(contains(page, "prefers-color-scheme: dark"));
  CHECK(contains(page, "width=device-width"));
}

TEST_CASE("cells of tables are escaped; numbers stand to the right, names do not") {
  const std::string table = html_table({{"a<b"}, {{"1 < 2"}, {"0.5 [-0.4, 0.6]"}, {"128-128"}, {"-3"}}});
  CHECK(contains(table, "<th>a&lt;b</th>"));
  CHECK(contains(table, "<td>1 &lt; 2</td>"));
  CHECK(contains(table, "<td class=\"number\">0.5 [-0.4, 0.6]</td>"));
  CHECK(contains(table, "<td>128-128</td>"));
  CHECK(contains(table, "<td class=\"number\">-3</td>"));
}

TEST_CASE("an SVG file without its prologue, bounded in size") {
  const std::string text =
      inline_svg("<?xml version=\"1.0\"?>\n<svg \n width=\"400\" height=\"3\"><g/></svg>\n");
  CHECK_FALSE(contains(text, "<?xml"));
  CHECK(contains(text, "max-width:500px"));
  CHECK(contains(text, "<g/></svg>"));
  CHECK(inline_svg("no picture").empty());
}

TEST_CASE("a slider holds all frames with escaped labels") {
  const std::string text = html_slider({{"r00", "one"}, {"\"r01\"", "two"}});
  CHECK(contains(text, "max=\"1\""));
  CHECK(contains(text, "data-label=\"&quot;r01&quot;\">two"));
}

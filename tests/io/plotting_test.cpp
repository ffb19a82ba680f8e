#include "io/plotting.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "io/error.hpp"
#include "io/files.hpp"
#include "tests/io/scratch.hpp"

using namespace impsweep;
using impsweep::testing::contains;
using impsweep::testing::Scratch;

namespace {

bool gnuplot_is_installed() {
  return std::system("gnuplot --version > /dev/null 2>&1") == 0;
}

Figure line_figure(const std::string& title) {
  Panel panel;
  panel.title = panel.x_label = title;
  panel.x_ticks = {{0, title}, {1, "50 %"}};
  const double gap = std::numeric_limits<double>::quiet_NaN();
  panel.lines = {{.title = title,
                  .colour = "#bd1a2e",
                  .x = {0, 1, 2},
                  .y = {1, gap, 3},
                  .low = {0, gap, 2},
                  .high = {2, gap, 4}}};
  return {"line", {panel}};
}

}  // namespace

TEST_CASE("names of files hold nothing that a shell, a page or a file system takes amiss") {
  CHECK(file_name_of("cartpole ppo 128-128 x.y") == "cartpole_ppo_128-128_x.y");
  CHECK(file_name_of("../a/b") == "_._a_b");
  CHECK(file_name_of("<\"'`$%>") == "_______");
  CHECK(file_name_of(std::string(500, 'a')).size() == 120);
}

TEST_CASE("text from outside is a literal in scripts") {
  const std::string script = gnuplot_script(line_figure("it's\nsystem('x') `id` %d @m"), PlotFormat::kSvg);
  CHECK(contains(script, "'it''s system(''x'') `id` %d @m'"));
  CHECK(contains(script, "'50 %%' 1"));
  CHECK_FALSE(contains(script, "\nsystem"));
}

TEST_CASE("figures are drawn in three formats" * doctest::skip(!gnuplot_is_installed())) {
  const Scratch scratch;
  Panel map;
  map.map = HeatMap{2, 3, {0, 0.5, 1, 0.2, 0, 0.7}, 1, true};
  Panel thin = map;
  thin.map = HeatMap{1, 3, {0, 0.5, 1}, 1, false};
  Panel bars;
  bars.bars = {{.title = "a", .colour = "#0072b2", .x = {0, 1}, .y = {1, 2}, .low = {}, .high = {}},
               {.title = "b", .colour = "#d55e00", .x = {0, 1}, .y = {2, 1}, .low = {}, .high = {}}};
  draw({line_figure("<b>it's `touch pwned` & $x</b>"), {"maps", {map, thin, bars, Panel{}}, 2}},
       scratch / "figures", 2);
  CHECK(scratch.names("figures") ==
        std::vector<std::string>{"line.pdf", "line.png", "line.svg", "maps.pdf", "maps.png", "maps.svg"});
  const std::string svg = read_text_file(scratch / "figures/line.svg");
  CHECK(contains(svg, "&lt;b>it's `touch pwned` &amp; $x"));
  CHECK(contains(svg, "</svg>"));
  CHECK(read_text_file(scratch / "figures/line.png").substr(1, 3) == "PNG");
  CHECK(read_text_file(scratch / "figures/line.pdf").starts_with("%PDF"));
}

TEST_CASE("a note and a scale stand below the panels, long notes in several lines" *
          doctest::skip(!gnuplot_is_installed())) {
  const Scratch scratch;
  Figure figure = line_figure("x");
  std::string note = "n = 15 seeds.";
  for (int word = 0; word < 40; ++word) note += " word";
  figure.note = note;
  figure.map_scale = "sum of |weight|";
  const std::string script = gnuplot_script(figure, PlotFormat::kSvg);
  CHECK(contains(script, "set label 1 'n = 15 seeds. word"));
  CHECK(contains(script, "set label 3 'word"));
  CHECK(contains(script, "'sum of |weight|'"));
  CHECK(contains(script, "'largest'"));
  draw({figure}, scratch / "figures");
  const std::string svg = read_text_file(scratch / "figures/line.svg");
  CHECK(contains(svg, "n = 15 seeds."));
  CHECK(contains(svg, "largest"));
}

TEST_CASE("what is on top is drawn last, dashes and markers differ") {
  Figure figure = line_figure("ticket");
  Panel& panel = figure.panels.front();
  panel.lines.front().on_top = true;
  Series other = panel.lines.front();
  other.title = "other";
  other.on_top = false;
  other.colour = "#36a0a2";
  other.dash = Dash::kDotted;
  other.marker = Marker::kSquare;
  panel.lines.push_back(other);
  const std::string script = gnuplot_script(figure, PlotFormat::kSvg);
  const std::size_t plot = script.rfind("\nplot ");
  CHECK(script.find("dt (2,3) lc rgb '#36a0a2'", plot) < script.find("dt 1 lc rgb '#bd1a2e'", plot));
  CHECK(contains(script, "pt 5"));
}

TEST_CASE("a refusal of gnuplot is an error with its words" * doctest::skip(!gnuplot_is_installed())) {
  const Scratch scratch;
  Figure figure = line_figure("x");
  figure.panels.front().lines.front().colour = "no colour";
  const std::string message =
      impsweep::testing::message_of<InputError>([&] { draw({figure}, scratch / "figures"); });
  CHECK(contains(message, "gnuplot could not draw"));
  CHECK(contains(message, "color"));
}

TEST_CASE("without gnuplot the remedy is named") {
  const Scratch scratch;
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", scratch.path().c_str(), 1);
  const std::string message =
      impsweep::testing::message_of<InputError>([&] { draw({line_figure("x")}, scratch / "figures"); });
  ::setenv("PATH", path.c_str(), 1);
  CHECK(contains(message, "gnuplot-nox"));
  CHECK(scratch.names("figures").empty());
}

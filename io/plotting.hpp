// io/plotting.hpp - charts as data, drawn by gnuplot. This file decides how ours look; what they show is the
// caller's business. Any text may stand in a title or label: gnuplot takes it literally.
//
// A figure is a grid of panels under one legend, drawn as SVG, PDF and PNG of equal layout.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace impsweep {

struct Tick {
  double at = 0;
  std::string label;
};

enum class Dash { kSolid, kDashed, kDotted, kDashDotted };
enum class Marker { kCircle, kTriangle, kSquare, kDiamond, kNone };

// A line with points, or the bars of one kind; NaN leaves a gap. Low and high, if given, are a band about it.
// Dashes and markers tell lines apart for who sees no colours.
struct Series {
  std::string title;   // in the legend; equal titles of a figure are one entry
  std::string colour;  // "#c0392b"
  std::vector<double> x, y, low, high;
  Dash dash = Dash::kSolid;
  Marker marker = Marker::kCircle;
  bool on_top = false;  // drawn after the others
};

// Cells in row-major order, row 0 on top. Zero is drawn in grey, apart from the scale of what is larger,
// light to dark.
struct HeatMap {
  std::size_t rows = 0, columns = 0;
  std::vector<double> cells;
  double maximum = 1;        // of the colour scale
  bool square_cells = true;  // boards; else the map fills the panel
};

struct Panel {
  std::string title, x_label, y_label;
  std::vector<Tick> x_ticks, y_ticks;  // none: gnuplot chooses; a heat map then has none
  bool logarithmic_x = false;          // falling to the right, as densities do
  std::optional<double> y_minimum;
  std::vector<Series> lines, bars;  // bars of several series at one x stand side by side
  std::optional<HeatMap> map;
  std::string remark = "nothing to show yet";  // in the middle of a panel without data
};

enum class PlotFormat { kSvg, kPdf, kPng };

struct Figure {
  std::string name;  // of the files, without suffix: letters, digits, '.', '-' and '_'
  std::vector<Panel> panels;
  std::size_t columns = 1;
  int panel_width = 440, panel_height = 300;  // pixels of the SVG
  std::string note = "";                      // below the panels: whose values these are, what a band means
  std::string map_scale =
      "";  // what the colours of its maps mean, beside a bar from the smallest to the largest
  std::array<std::string, 2> map_ends = {"none", "largest"};  // of the bar
  std::vector<PlotFormat> formats = {PlotFormat::kSvg, PlotFormat::kPdf, PlotFormat::kPng};
};

// `text` with everything that a file name should not have replaced by '_'.
std::string file_name_of(const std::string& text);

// NAME.svg, NAME.pdf and NAME.png of each figure in `directory`, which is made; by gnuplot processes on
// up to `processes` cores. InputError if gnuplot is missing or refuses.
void draw(const std::vector<Figure>&, const std::filesystem::path& directory, int processes = 1);

// The commands and data for one output format; for tests.
std::string gnuplot_script(const Figure&, PlotFormat);

}  // namespace impsweep

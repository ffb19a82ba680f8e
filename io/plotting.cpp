#include "io/plotting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <system_error>

#include "io/error.hpp"
#include "io/files.hpp"
#include "io/process.hpp"

namespace impsweep {
namespace {

constexpr int kLegendRowHeight = 21, kScaleHeight = 40, kNoteRowHeight = 17;  // pixels
constexpr double kNoteLetterWidth = 6;
constexpr double kLegendLetterWidth = 8, kLegendSampleWidth = 55;
constexpr double kPdfPixelsPerInch = 96;
constexpr double kPngScale = 2;  // sharp on dense screens and in slides

// Single quotes switch off every substitution; control characters would end the command.
std::string literal(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') result += '\'';
    result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return result + "'";
}

// Labels of ticks are formats of the tick's value.
std::string tick_list(const std::vector<Tick>& ticks) {
  std::string list;
  for (const Tick& tick : ticks) {
    std::string label;
    for (const char c : tick.label) label += c == '%' ? std::string("%%") : std::string(1, c);
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", literal(label), tick.at);
  }
  return "(" + list + ")";
}

std::string number(double value) {
  return std::isfinite(value) ? fmt::format("{:.7g}", value) : "NaN";
}

class Script {
 public:
  Script(const Figure& figure, PlotFormat format) : figure_(figure) {
    const std::size_t columns = std::max<std::size_t>(1, figure.columns);
    columns_ = std::min(columns, std::max<std::size_t>(1, figure.panels.size()));
    rows_ = (figure.panels.size() + columns_ - 1) / columns_;
    collect_legend();
    width_ = static_cast<int>(columns_) * figure.panel_width;
    std::size_t longest = 0;
    for (const Entry& entry : legend_) longest = std::max(longest, entry.title.size());
    const double entry_width = kLegendSampleWidth + kLegendLetterWidth * static_cast<double>(longest);
    legend_columns_ = std::max<std::size_t>(1, static_cast<std::size_t>(width_ / entry_width));
    legend_rows_ = (legend_.size() + legend_columns_ - 1) / legend_columns_;
    legend_height_ = legend_.empty() ? 0 : static_cast<int>(legend_rows_) * kLegendRowHeight + 8;
    break_note();
    const bool has_scale = !figure.map_scale.empty();
    foot_height_ = (note_.empty() ? 0 : static_cast<int>(note_.size()) * kNoteRowHeight + 4) +
                   (has_scale ? kScaleHeight : 0);
    height_ = static_cast<int>(rows_) * figure.panel_height + legend_height_ + foot_height_;
    begin(format);
    legend();
    if (has_scale) scale();
    if (!note_.empty()) note();
    for (std::size_t i = 0; i < figure.panels.size(); ++i) panel(i);
    text_ += "unset multiplot\nunset output\n";
  }

  std::string text() && { return std::move(text_); }

 private:
  struct Entry {
    std::string title, colour;
    Dash dash = Dash::kSolid;
    Marker marker = Marker::kCircle;
    bool bar = false;
  };

  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    text_ += fmt::format(format, std::forward<Args>(args)...) + "\n";
  }

  void collect_legend() {
    const auto add = [&](const std::vector<Series>& all, bool bar) {
      for (const Series& series : all)
        if (!series.title.empty() && std::ranges::find(legend_, series.title, &Entry::title) == legend_.end())
          legend_.push_back({series.title, series.colour, series.dash, series.marker, bar});
    };
    for (const Panel& panel : figure_.panels) {
      add(panel.lines, false);
      add(panel.bars, true);
    }
  }

  void begin(PlotFormat format) {
    line("reset");
    std::string identifier = figure_.name;  // prefix of ids, which then differ between figures of a page
    std::ranges::replace_if(
        identifier, [](char c) { return c == '-' || c == '.'; }, '_');
    switch (format) {
      case PlotFormat::kSvg:
        line("set terminal svg size {},{} noenhanced font 'sans-serif,12' linewidth 1.2 name {}", width_,
             height_, literal(identifier));
        break;
      case PlotFormat::kPdf:
        line("set terminal pdfcairo size {:.4f}in,{:.4f}in noenhanced font 'sans-serif,9' linewidth 1.2",
             width_ / kPdfPixelsPerInch, height_ / kPdfPixelsPerInch);
        break;
      case PlotFormat::kPng:
        line(
            "set terminal pngcairo size {:.0f},{:.0f} noenhanced font 'sans-serif,12' fontscale {} linewidth "
            "{}",
            kPngScale * width_, kPngScale * height_, kPngScale * 0.8, kPngScale * 1.2);
        break;
    }
    const char* suffix = format == PlotFormat::kSvg ? "svg" : format == PlotFormat::kPdf ? "pdf" : "png";
    line("set output {}", literal(figure_.name + "." + suffix));
    line("set multiplot");
    line(
        "set palette defined (0 '#e4e4e4', 0.002 '#e4e4e4', 0.0021 '#fdf3b8', 0.25 '#fdbb63', 0.5 '#ee6a50', "
        "0.75 '#a3286f', 1 '#2a0a4a')");
    line("unset colorbox");
  }

  // A strip above the panels that holds nothing but the key, so that all panels have equal sizes.
  void legend() {
    if (!legend_.empty()) {
      const double height = static_cast<double>(legend_height_) / height_;
      line("set origin 0,{:.5f}; set size 1,{:.5f}", 1 - height, height);
      line("set lmargin 0; set rmargin 0; set tmargin 0; set bmargin 0");
      line("unset border; unset tics; set xrange [0:1]; set yrange [0:1]");
      line(
          "set key at screen 0.5,{:.5f} center Left reverse horizontal maxcols {} samplen 2 width 0.5 "
          "spacing "
          "1",
          1 - height / 2, legend_columns_);
      std::string plots;
      for (const Entry& entry : legend_)
        plots += fmt::format("{}NaN with {} title {}", plots.empty() ? "" : ", ", style(entry),
                             literal(entry.title));
      line("plot {}", plots);
    }
    line("unset key");
  }

  // Cut into lines at spaces, as gnuplot breaks none.
  void break_note() {
    const auto most = static_cast<std::size_t>(std::max(20.0, width_ / kNoteLetterWidth));
    for (std::string rest = figure_.note; !rest.empty();) {
      std::size_t end = rest.size() <= most ? rest.size() : rest.rfind(' ', most);
      if (end == std::string::npos || end == 0) end = std::min(most, rest.size());
      note_.push_back(rest.substr(0, end));
      rest.erase(0, rest.find_first_not_of(' ', end) == std::string::npos ? rest.size()
                                                                          : rest.find_first_not_of(' ', end));
    }
  }

  void strip(double bottom, double top) {
    line("set origin 0,{:.5f}; set size 1,{:.5f}", bottom / height_, (top - bottom) / height_);
    line("set lmargin 0; set rmargin 0; set tmargin 0; set bmargin 0");
    line(
        "unset border; unset tics; unset title; unset xlabel; unset ylabel; set xrange [0:1]; set yrange "
        "[0:1]");
  }

  void note() {
    const double height = static_cast<double>(note_.size()) * kNoteRowHeight + 4;
    strip(0, height);
    for (std::size_t row = 0; row < note_.size(); ++row)
      line("set label {} {} at screen 0.5,{:.5f} center tc rgb '#555555' font ',9'", row + 1,
           literal(note_[row]), (height - 2 - (static_cast<double>(row) + 0.5) * kNoteRowHeight) / height_);
    line("plot NaN notitle");
    line("unset label");
  }

  // A bar of the maps' colours, with what they mean to its right.
  void scale() {
    constexpr int kSteps = 128;
    constexpr double kBar = 0.22, kBarStart = 0.07, kTopGap = 16;
    const double bottom = foot_height_ - kScaleHeight;
    strip(bottom, foot_height_);
    line("set label 1 {} at screen {},{:.5f} left tc rgb '#555555' font ',9'", literal(figure_.map_scale),
         kBarStart + kBar + 0.08, (bottom + 0.6 * kScaleHeight) / height_);
    line("set label 2 {} at screen {},{:.5f} right tc rgb '#555555' font ',9'", literal(figure_.map_ends[0]),
         kBarStart - 0.01, (bottom + 0.6 * kScaleHeight) / height_);
    line("set label 3 {} at screen {},{:.5f} left tc rgb '#555555' font ',9'", literal(figure_.map_ends[1]),
         kBarStart + kBar + 0.01, (bottom + 0.6 * kScaleHeight) / height_);
    line("set cbrange [0:1]");
    const std::string name = fmt::format("$data{}", blocks_++);
    text_ += name + " << EOD\n";
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < kSteps; ++x)
        text_ += fmt::format("{:.5f} {:.5f} {:.5f}\n", kBarStart + kBar * (x + 0.5) / kSteps,
                             (kScaleHeight - kTopGap) * (y + 0.5) / 2 / kScaleHeight + 0.35,
                             static_cast<double>(x) / (kSteps - 1));
    text_ += "EOD\n";
    line("plot {} using 1:2:3 with image", name);
    line("unset label");
  }

  static std::string style(const Entry& entry) {
    if (entry.bar) return fmt::format("boxes fs solid 0.85 noborder lc rgb {}", literal(entry.colour));
    constexpr std::array kDashes = {"1", "(9,4)", "(2,3)", "(9,3,2,3)"};
    constexpr std::array kMarkers = {"linespoints pt 7 ps 0.45", "linespoints pt 9 ps 0.55",
                                     "linespoints pt 5 ps 0.42", "linespoints pt 13 ps 0.55", "lines"};
    return fmt::format("{} lw 1.6 dt {} lc rgb {}", kMarkers[static_cast<std::size_t>(entry.marker)],
                       kDashes[static_cast<std::size_t>(entry.dash)], literal(entry.colour));
  }

  void panel(std::size_t index) {
    const Panel& panel = figure_.panels[index];
    const double width = 1.0 / static_cast<double>(columns_);
    const double height = static_cast<double>(figure_.panel_height) / height_;
    const std::size_t row = index / columns_;
    line("set origin {:.5f},{:.5f}", static_cast<double>(index % columns_) * width,
         1 - static_cast<double>(legend_height_) / height_ - static_cast<double>(row + 1) * height);
    line("set size {:.5f},{:.5f}", width, height);
    line("set title {} offset 0,-0.4", literal(panel.title));
    line("set xlabel {} offset 0,0.4", literal(panel.x_label));
    line("set ylabel {} offset 0.8,0", literal(panel.y_label));
    line(
        "set border 3 lw 0.6; unset logscale; set xrange [*:*] noreverse; set yrange [*:*]; set autoscale "
        "fix; set size noratio; set "
        "offsets 0,0,0,0");
    if (panel.map) {
      heat_map(panel, *panel.map);
      return;
    }
    line("set lmargin 9; set rmargin 3; set tmargin 2; set bmargin 3.4");
    line("set grid ytics lt 1 lw 0.4 lc rgb '#c0c0c0'");
    line("set xtics out nomirror scale 0.5 {}",
         panel.x_ticks.empty() ? "autofreq" : tick_list(panel.x_ticks));
    line("set ytics out nomirror scale 0.5 {}",
         panel.y_ticks.empty() ? "autofreq" : tick_list(panel.y_ticks));
    if (panel.logarithmic_x) line("set logscale x; set xrange [*:*] reverse");
    if (panel.y_minimum) line("set yrange [{}:*]; set autoscale yfixmax", *panel.y_minimum);
    if (!panel.bars.empty())
      line("set offsets 0.3, 0.3, 0, 0");
    else if (!panel.logarithmic_x)
      line("set offsets graph 0.02, graph 0.02, graph 0.04, {}", panel.y_minimum ? "0" : "graph 0.04");
    chart(panel);
  }

  void chart(const Panel& panel) {
    std::vector<std::string> bands, lines, top;
    const std::size_t bars = panel.bars.size();
    for (std::size_t i = 0; i < bars; ++i) {
      const Series& series = panel.bars[i];
      const double bar_width = 0.8 / static_cast<double>(bars);
      const double shift = (static_cast<double>(i) + 0.5) * bar_width - 0.4;
      const std::string data = block(series, false);
      lines.push_back(
          fmt::format("{} using ($1{:+.5f}):2:({:.5f}) with boxes fs solid 0.85 noborder lc rgb {}", data,
                      shift, bar_width, literal(series.colour)));
    }
    for (const Series& series : panel.lines) {
      const bool banded = !series.low.empty();
      const std::string data = block(series, banded);
      if (banded)
        bands.push_back(
            fmt::format("{} using 1:3:4 with filledcurves fs transparent solid 0.16 noborder lc rgb {}", data,
                        literal(series.colour)));
      (series.on_top ? top : lines)
          .push_back(fmt::format("{} using 1:2 with {}", data,
                                 style({series.title, series.colour, series.dash, series.marker, false})));
    }
    bands.insert(bands.end(), lines.begin(), lines.end());
    bands.insert(bands.end(), top.begin(), top.end());
    const auto has_points = [](const std::vector<Series>& all) {
      return std::ranges::any_of(all, [](const Series& series) {
        return std::ranges::any_of(series.y, [](double y) { return std::isfinite(y); });
      });
    };
    if (!has_points(panel.lines) && !has_points(panel.bars)) {
      line("set xrange [0:1]; set yrange [0:1]; set label 1 {} at 0.5,0.5 center", literal(panel.remark));
      bands = {"NaN notitle"};
    }
    line("plot {}", fmt::join(bands, ", "));
    line("unset label 1");
  }

  void heat_map(const Panel& panel, const HeatMap& map) {
    std::size_t longest = 18;  // letters of a label that the usual margin is wide enough for
    for (const Tick& tick : panel.y_ticks) longest = std::max(longest, tick.label.size());
    line("set lmargin {}; set rmargin 1.5; set tmargin 1.8; set bmargin {}",
         panel.y_ticks.empty() ? 2 : longest - 2, panel.x_label.empty() ? 1 : 3.4);
    line("unset grid; set tics out nomirror scale 0");
    line("set {}",
         panel.x_ticks.empty() ? "format x ''; set xtics 1e9" : "xtics " + tick_list(panel.x_ticks));
    line("set {}",
         panel.y_ticks.empty() ? "format y ''; set ytics 1e9" : "ytics " + tick_list(panel.y_ticks));
    line("set border 15 lw 0.6");
    line("set xrange [-0.5:{}.5]; set yrange [{}.5:-0.5]", map.columns - 1, map.rows - 1);
    line("set cbrange [0:{}]", number(map.maximum > 0 ? map.maximum : 1));
    if (map.square_cells)
      line("set size ratio {:.5f}", static_cast<double>(map.rows) / static_cast<double>(map.columns));
    const std::string name = fmt::format("$data{}", blocks_++);
    text_ += name + " << EOD\n";
    for (std::size_t row = 0; row < map.rows; ++row)
      for (std::size_t column = 0; column < map.columns; ++column)
        text_ += fmt::format("{} {} {}\n", column, row, number(map.cells[row * map.columns + column]));
    text_ += "EOD\n";
    // gnuplot draws images from two by two cells on.
    if (map.rows > 1 && map.columns > 1)
      line("plot {} using 1:2:3 with image", name);
    else
      line("plot {} using 1:2:(0.5):(0.5):3 with boxxyerror fs solid 1 noborder lc palette", name);
    line("set format x; set format y");
  }

  std::string block(const Series& series, bool banded) {
    std::string name = fmt::format("$data{}", blocks_++);
    text_ += name + " << EOD\n";
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      text_ += fmt::format("{} {}", number(series.x[i]), number(series.y[i]));
      if (banded) text_ += fmt::format(" {} {}", number(series.low[i]), number(series.high[i]));
      text_ += "\n";
    }
    if (series.x.empty()) text_ += "NaN NaN NaN NaN\n";
    text_ += "EOD\n";
    return name;
  }

  const Figure& figure_;
  std::string text_;
  std::vector<Entry> legend_;
  std::vector<std::string> note_;  // by line
  std::size_t columns_ = 1, rows_ = 1, legend_columns_ = 1, legend_rows_ = 0;
  int width_ = 0, height_ = 0, legend_height_ = 0, foot_height_ = 0, blocks_ = 0;
};

// gnuplot under way, reading commands and writing its complaints into a file.
class Gnuplot {
 public:
  Gnuplot(const std::filesystem::path& directory, const std::filesystem::path& complaints)
      // -d: no start-up files of the user may change the figures.
      : complaints_(complaints), process_({"gnuplot", "-d"}, directory, complaints) {}
  Gnuplot(const Gnuplot&) = delete;
  Gnuplot& operator=(const Gnuplot&) = delete;
  ~Gnuplot() {
    process_.wait();
    std::error_code ignored;
    std::filesystem::remove(complaints_, ignored);
  }

  // False if it has gone.
  bool write(std::string_view text) { return process_.write(text); }

  void finish() {
    if (process_.wait() == 0) return;
    if (process_.was_too_slow())
      throw InputError(
          "gnuplot did not draw the figures within minutes and was ended; is it the genuine one?");
    const std::string complaints = read_text_file(complaints_);
    throw InputError("gnuplot could not draw the figures: {}",
                     complaints.empty() ? "no reason given" : complaints);
  }

 private:
  std::filesystem::path complaints_;
  ChildProcess process_;
};

std::unique_ptr<Gnuplot> start_gnuplot(const std::filesystem::path& directory) {
  const std::filesystem::path complaints =
      std::filesystem::absolute(directory) / (".gnuplot." + unique_suffix());
  try {
    return std::make_unique<Gnuplot>(directory, complaints);
  } catch (const std::system_error& error) {
    std::error_code ignored;
    std::filesystem::remove(complaints, ignored);
    throw InputError("cannot start gnuplot, which draws the figures: {}; install it (Debian: gnuplot-nox)",
                     error.code().message());
  }
}

}  // namespace

std::string file_name_of(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || (c == '.' && !name.empty());
    name += plain ? c : '_';
  }
  constexpr std::size_t kLongest = 120;
  return name.substr(0, kLongest);
}

std::string gnuplot_script(const Figure& figure, PlotFormat format) {
  return Script(figure, format).text();
}

void draw(const std::vector<Figure>& figures, const std::filesystem::path& directory, int processes) {
  if (figures.empty()) return;
  make_directories(directory);
  const WithoutBrokenPipe guard;
  const auto count = std::min<std::size_t>(figures.size(), static_cast<std::size_t>(std::max(1, processes)));
  std::vector<std::unique_ptr<Gnuplot>> plotters;
  for (std::size_t i = 0; i < count; ++i) plotters.push_back(start_gnuplot(directory));
  for (std::size_t i = 0; i < figures.size(); ++i)
    for (const PlotFormat format : figures[i].formats)
      if (!plotters[i % count]->write(gnuplot_script(figures[i], format))) break;  // finish() has the reason
  for (const std::unique_ptr<Gnuplot>& plotter : plotters) plotter->finish();
}

}  // namespace impsweep

// io/html.hpp - small self-contained web pages: no scripts, styles or fonts from elsewhere; light and dark as
// the reader's system is; readable on a phone.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace impsweep {

// Text as it may stand between tags and in quoted attributes.
std::string html_escape(std::string_view);

// `body` between header and footer of a page; the title is escaped here, the body is not.
std::string html_page(std::string_view title, std::string_view body);

// Cells are escaped here. Columns of numbers are aligned to the right.
struct HtmlTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};
std::string html_table(const HtmlTable&);

// An SVG file as it may stand inside of a page, without its prologue; it shrinks with the window.
// `label` is what a screen reader says of it.
std::string inline_svg(std::string_view file, std::string_view label = {});

// Frames of which one is seen, chosen by a slider: (label, content).
std::string html_slider(const std::vector<std::pair<std::string, std::string>>& frames);

}  // namespace impsweep

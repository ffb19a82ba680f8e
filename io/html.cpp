#include "io/html.hpp"

#include <fmt/format.h>

#include <charconv>

#include "io/page_files.hpp"

namespace impsweep {
namespace {

constexpr double kSmallest = 0.7, kLargest = 1.25;  // size of pictures in a page, relative to their own size

// "12", "0.5 [0.4, 0.6]", "500.0 ± 1.2", "≤ 0.04", "80 %"; not "128-128".
bool is_number(const std::string& text) {
  const std::size_t digit = text.find_first_of("0123456789");
  if (digit == std::string::npos || text.find_first_not_of("0123456789+-.,/ %[]±≤") != std::string::npos)
    return false;
  const std::size_t minus = text.find('-', digit);
  return minus == std::string::npos || text[minus - 1] == ' ' || text[minus - 1] == '[';
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string html_page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
      "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n{}\n<script>\n{}</script>\n</body>\n</"
      "html>\n",
      html_escape(title), page_style(), body, page_script());
}

std::string html_table(const HtmlTable& table) {
  std::string text = "<div class=\"scroll\"><table><thead><tr>";
  for (const std::string& cell : table.header) text += "<th>" + html_escape(cell) + "</th>";
  text += "</tr></thead><tbody>\n";
  for (const std::vector<std::string>& row : table.rows) {
    text += "<tr>";
    for (const std::string& cell : row)
      text += (is_number(cell) ? "<td class=\"number\">" : "<td>") + html_escape(cell) + "</td>";
    text += "</tr>\n";
  }
  return text + "</tbody></table></div>\n";
}

std::string inline_svg(std::string_view file, std::string_view label) {
  const std::size_t first = file.find("<svg");
  if (first == std::string_view::npos) return "";
  // The width in pixels, as the plotting program wrote it, bounds how far the picture shrinks and grows.
  double width = 0;
  if (const std::size_t at = file.find("width=\"", first); at != std::string_view::npos)
    std::from_chars(file.data() + at + 7, file.data() + file.size(), width);
  const std::string name =
      label.empty() ? "" : fmt::format("role=\"img\" aria-label=\"{}\" ", html_escape(label));
  return fmt::format("<div class=\"chart\"><svg {}style=\"min-width:{:.0f}px;max-width:{:.0f}px\" {}</div>\n",
                     name, kSmallest * width, kLargest * width, file.substr(first + 4));
}

std::string html_slider(const std::vector<std::pair<std::string, std::string>>& frames) {
  std::string text = fmt::format(
      "<div class=\"slider\"><label>round: <output></output><input type=\"range\" min=\"0\" max=\"{}\" "
      "value=\"0\" "
      "aria-label=\"round\"></label>\n",
      frames.empty() ? 0 : frames.size() - 1);
  for (const auto& [label, content] : frames)
    text += fmt::format("<div class=\"frame\" data-label=\"{}\">{}</div>\n", html_escape(label), content);
  return text + "</div>\n";
}

}  // namespace impsweep

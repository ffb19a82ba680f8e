#include "io/html.hpp"

#include <fmt/format.h>

#include <charconv>

namespace impsweep {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1d1f23; --paper: #fbfbfa; --card: #ffffff; --line: #d9dadd;
  --muted: #63666d; --accent: #2459a8; --good: #1c7a3d; --bad: #b3261e; --open: #8a6100; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #16181c; --card: #1e2126; --line: #3a3e45; --muted: #a0a4ac;
    --accent: #8ab4f8; --good: #6fce8f; --bad: #ff8a80; --open: #f2c35b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main, nav { max-width: 1180px; margin: 0 auto; padding: 0 1rem; }
nav { padding-top: .7rem; font-size: .9rem; display: flex; flex-wrap: wrap; gap: .2rem 1rem; }
a { color: var(--accent); }
h1 { font-size: 1.6rem; margin: 1rem 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h1, h2, h3, figcaption, summary, p { overflow-wrap: anywhere; }
p { margin: .4rem 0; max-width: 75ch; }
.muted, figcaption { color: var(--muted); font-size: .88rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 1rem; }
.grid > * { min-width: 0; }
figure { margin: 0 0 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: .6rem; }
.wide { grid-column: 1 / -1; }
.chart { overflow-x: auto; }
.chart svg { display: block; width: 100%; height: auto; margin: 0 auto; }
.chart svg [fill="black"] { fill: var(--ink); }
.chart svg g[color="black"] { color: var(--ink); }
.chart svg [stroke="black"] { stroke: var(--ink); }
.chart svg [stroke^="rgb(192"] { stroke: var(--line); }
.chart svg image { image-rendering: pixelated; }
.scroll { overflow-x: auto; margin-bottom: 1rem; }
table { border-collapse: collapse; font-size: .88rem; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th { font-weight: 600; }
.verdict { font-weight: 600; white-space: nowrap; display: inline-block; min-width: 7.4em; }
summary { cursor: pointer; padding: .1rem 0; }
summary.claim { display: grid; grid-template-columns: .8em 2.8em 7.4em 1fr; column-gap: .6em; }
summary.claim::before { content: "\25b8"; color: var(--muted); }
details[open] > summary.claim::before { content: "\25be"; }
@media (max-width: 600px) {
  summary.claim { grid-template-columns: .8em 2.8em 1fr; padding: .3rem 0; }
  summary.claim > :last-child { grid-column: 3; }
  .scroll table { min-width: 42em; } }
.supported { color: var(--good); } .contradicted { color: var(--bad); } .undecided { color: var(--open); }
.not-run { color: var(--muted); font-weight: 400; }
.bar { height: .6rem; background: var(--line); border-radius: .3rem; overflow: hidden; margin: .5rem 0; }
.bar span { display: block; height: 100%; background: var(--accent); }
input[type=range] { width: 100%; }
pre { overflow-x: auto; font-size: .8rem; background: var(--card); border: 1px solid var(--line); padding: .6rem; }
)";

constexpr std::string_view kScript = R"(
for (const box of document.querySelectorAll('.slider')) {
  const frames = [...box.querySelectorAll('.frame')], label = box.querySelector('output');
  const show = (event) => {
    const chosen = event ? Number(event.target.value) : 0;
    frames.forEach((frame, index) => { frame.hidden = index !== chosen; });
    label.textContent = frames[chosen].dataset.label;
  };
  box.querySelector('input').addEventListener('input', show);
  show();
}
)";

constexpr double kSmallest = 0.7, kLargest = 1.25;  // size of pictures in a page, to their own

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
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n{}\n<script>{}</script>\n</body>\n</html>\n",
      html_escape(title), kStyle, body, kScript);
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

std::string inline_svg(std::string_view file) {
  const std::size_t first = file.find("<svg");
  if (first == std::string_view::npos) return "";
  // The width in pixels, as the plotting program wrote it, bounds how far the picture shrinks and grows.
  double width = 0;
  if (const std::size_t at = file.find("width=\"", first); at != std::string_view::npos)
    std::from_chars(file.data() + at + 7, file.data() + file.size(), width);
  return fmt::format("<div class=\"chart\"><svg style=\"min-width:{:.0f}px;max-width:{:.0f}px\" {}</div>\n",
                     kSmallest * width, kLargest * width, file.substr(first + 4));
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

#include "io/toml_limits.hpp"

#include <algorithm>

#include "io/error.hpp"

namespace impsweep {
namespace {

// The place behind a text in quotes that begins at `begin`.
std::size_t end_of_quotes(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  const std::string three(3, quote);
  const bool is_long = text.substr(begin).starts_with(three);
  for (std::size_t i = begin + (is_long ? 3 : 1); i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"')
      ++i;
    else if (is_long ? text.substr(i).starts_with(three) : text[i] == quote)
      return i + (is_long ? 3 : 1);
    else if (!is_long && text[i] == '\n')
      return i;  // the parser complains of it
  }
  return text.size();
}

}  // namespace

void require_shallow_toml(std::string_view text, const std::string& path) {
  if (text.size() > kLongestToml)
    throw InputError(
        "{}: is longer than the {} bytes that a file of this kind may have; check that this is the right "
        "file",
        path, kLongestToml);
  int depth = 0, dots = 0, line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const std::size_t end = end_of_quotes(text, i);
      line += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(i),
                                          text.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
      i = std::max(end, i + 1);
      continue;
    }
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (c == '.') ++dots;
    if (c == '\n' || c == '=' || c == ',') dots = 0;
    if (c == '\n') ++line;
    if (depth > kDeepestToml || dots > kDeepestToml)
      throw InputError("{}:{}: {}; no key has more than a few parts, check this line", path, line,
                       dots > kDeepestToml ? "a key of too many parts" : "too many brackets in each other");
    ++i;
  }
}

}  // namespace impsweep

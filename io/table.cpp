#include "io/table.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace impsweep {

namespace {

std::string csv_cell(std::int64_t value) {
  return fmt::format("{}", value);
}
std::string csv_cell(double value) {
  return std::isnan(value) ? "nan" : fmt::format("{}", value);
}
std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string json_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}
std::string json_cell(std::int64_t value) {
  return fmt::format("{}", value);
}
std::string json_cell(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "null";
}
std::string json_cell(const std::string& text) {
  return json_text(text);
}

}  // namespace

std::size_t Column::size() const {
  return std::visit([](const auto& cells) { return cells.size(); }, values);
}

std::size_t Table::rows() const {
  std::set<std::string> names;
  for (const Column& column : columns) {
    if (column.size() != columns.front().size())
      throw std::invalid_argument(fmt::format("column '{}' has {} rows, '{}' has {}", column.name,
                                              column.size(), columns.front().name, columns.front().size()));
    if (!names.insert(column.name).second)
      throw std::invalid_argument(fmt::format("two columns are called '{}'", column.name));
  }
  return columns.empty() ? 0 : columns.front().size();
}

std::string to_csv(const Table& table) {
  const std::size_t rows = table.rows();
  std::string text;
  const auto end_cell = [&](std::size_t column) { text += column + 1 == table.columns.size() ? '\n' : ','; };
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    text += csv_cell(table.columns[c].name);
    end_cell(c);
  }
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      text += std::visit([row](const auto& cells) { return csv_cell(cells[row]); }, table.columns[c].values);
      end_cell(c);
    }
  return text;
}

std::string to_json(const Table& table) {
  const std::size_t rows = table.rows();
  std::string text = "[";
  for (std::size_t row = 0; row < rows; ++row) {
    text += row == 0 ? "\n{" : ",\n{";
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      if (c > 0) text += ", ";
      text += json_text(table.columns[c].name) + ": ";
      text += std::visit([row](const auto& cells) { return json_cell(cells[row]); }, table.columns[c].values);
    }
    text += '}';
  }
  return text + "\n]\n";
}

}  // namespace impsweep

// io/table.hpp - named columns of equal length, and how they leave the program as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace impsweep {

struct Column {
  std::string name;
  std::variant<std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>> values;

  std::size_t size() const;
};

struct Table {
  std::vector<Column> columns;

  // Number of rows. std::invalid_argument if the columns differ in length or two have the same name.
  std::size_t rows() const;
};

// A header line, then one line per row, ending in "\n". Text that holds a comma, a quote or a line break is
// quoted as in RFC 4180. Numbers are as short as possible while reading back to the same bits; nan, inf and
// -inf are written as such.
std::string to_csv(const Table&);

// An array with one object per row, one row per line. What is not a finite number is null, as JSON has no
// word for it. Bytes that are not UTF-8 are replaced by U+FFFD.
std::string to_json(const Table&);

}  // namespace impsweep

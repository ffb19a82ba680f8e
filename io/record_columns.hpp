// io/record_columns.hpp - many records of one kind as a few long arrays, which take a fraction of the space
// of as many files: what is alike in all of them lies side by side, and is deflated.
//
//   <group>@count               number of records
//   <group>@places              of the columns: "result@density" is an attribute, "curve/mean" an array
//   <group>@types               "integer", "number", "text", "integers", "numbers", "texts" of attributes;
//                               "float32", "float64", "int32", "int64", "uint8" of arrays; "means of <place>"
//                               and "deviations of <place>" of arrays that follow from another, see below
//   <group>@ranks               number of axes, 1 for attributes; what has none has one extent, 1
//   <group>/extents             int64, column after column, record after record; -1 first: the record lacks
//                               it
//   <group>/float64 ...         the values of all columns of a type, in the same order; integers are int64,
//                               numbers float64, and texts uint8, each text of a list ended by NUL
//
// The extent of an attribute is the number of its values, that of texts the number of bytes.
//
// A float64 vector whose elements are, to the bit, the means or the standard deviations (divisor n) of the
// rows of a float32 matrix in the same group is not stored: its column has no values and the matrix's name.
// NaN in the matrix is nothing, and a row of nothing has NaN.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "io/hdf5.hpp"
#include "io/hdf5_writer.hpp"
#include "io/record.hpp"

namespace impsweep {

void write_record_columns(Hdf5Writer&, const std::string& group, std::span<const Record>);

// All of them in memory. Reading throws InputError if the arrays do not fit together.
class RecordColumns {
 public:
  RecordColumns(const Hdf5File&, const std::string& group);
  RecordColumns(RecordColumns&&) noexcept;
  ~RecordColumns();

  std::size_t size() const;
  Record record(std::size_t index) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace impsweep

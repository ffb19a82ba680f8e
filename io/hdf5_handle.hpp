// io/hdf5_handle.hpp - what reading and writing HDF5 share: owned handles, and errors that are thrown instead
// of printed. Included by sources only, so that nobody else needs the library's headers.
#pragma once

#include <hdf5.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace impsweep::hdf5 {

// What the library said. Callers add the file and the object.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The library keeps one error stack per thread and prints it unless told otherwise.
inline void silence() {
  thread_local const herr_t silenced = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  (void)silenced;
}

// The innermost message of the error stack: the one that says what happened.
inline std::string last_error() {
  std::string message;
  const auto take_first = [](unsigned, const H5E_error2_t* error, void* out) -> herr_t {
    auto& text = *static_cast<std::string*>(out);
    if (text.empty() && error->desc != nullptr) text = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &message);
  return message.empty() ? "the HDF5 library gives no reason" : message;
}

// Calls a function of the library; a negative answer is thrown.
template <class Result, class... Parameters, class... Arguments>
Result call(Result (*function)(Parameters...), const Arguments&... arguments) {
  silence();
  const Result result = function(static_cast<Parameters>(arguments)...);
  if (result < 0) throw Failure(last_error());
  return result;
}

class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

// Calls a function that makes a handle and owns what it makes: own(H5Dclose, H5Dopen2, file, "x",
// H5P_DEFAULT).
template <class... Parameters, class... Arguments>
Handle own(Handle::Close close, hid_t (*function)(Parameters...), const Arguments&... arguments) {
  return {call(function, arguments...), close};
}

// A name for a file in memory. The library needs one that no file on disk and no other open file has.
inline std::string memory_file_name() {
  static std::atomic<std::uint64_t> counter{0};
  return "/dev/null/impsweep-" + std::to_string(counter++);
}

// The native memory type of an element.
template <class T>
hid_t native_type() {
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<T, std::int32_t>) return H5T_NATIVE_INT32;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_NATIVE_UINT8;
}

}  // namespace impsweep::hdf5

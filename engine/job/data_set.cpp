#include "engine/job/data_set.hpp"

#include <fmt/format.h>

#include "io/digest.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr const char* kPath = "digits.path";
constexpr const char* kContent = "digits.content";
constexpr std::size_t kDigestLength = 32;

struct DataSet {
  std::string path, content;
  std::shared_ptr<const Digits> digits;
};

std::string text_option(const Settings& settings, const char* key) {
  const auto set = settings.task_options.find(key);
  return set == settings.task_options.end() ? "" : std::get<std::string>(set->second);
}

void check_size(const Digits& digits, const std::string& path) {
  constexpr int kSide = LabelledImages::kSide;
  if (digits.training.rows != kSide || digits.training.columns != kSide)
    throw DatasetError(fmt::format("{}: images of {} x {} pixels, where task digits has {} x {}", path,
                                   digits.training.rows, digits.training.columns, kSide, kSide));
}

// The data set in the settings' directory. Throws DatasetError.
const DataSet& read_data_set(const Settings& settings) {
  static DataSet last;
  const std::string path = text_option(settings, kPath);
  if (path.empty())
    throw DatasetError(
        fmt::format("task '{}' needs '{}': the directory of the four IDX files, e.g. --set {}=data/mnist, or "
                    "/usr/share/datasets/fashion-mnist of Debian's package dataset-fashion-mnist",
                    settings.task, kPath, kPath));
  if (last.digits == nullptr || last.path != path) {
    auto digits = std::make_shared<const Digits>(read_digits(path));
    check_size(*digits, path);
    last = {path, content_of(*digits), std::move(digits)};
  }
  return last;
}

}  // namespace

std::string content_of(const Digits& digits) {
  Sha256 hash;
  for (const LabelledImages* part : {&digits.training, &digits.test}) {
    hash.update(bytes_of(fmt::format("{} images of {} x {}\n", part->count, part->rows, part->columns)));
    hash.update(std::as_bytes(std::span(part->pixels)));
    hash.update(std::as_bytes(std::span(part->labels)));
  }
  return hash.hex().substr(0, kDigestLength);
}

void identify_data_set(Settings& settings, const std::string& place) {
  if (!known_task(settings.task, place).is_data_set || !text_option(settings, kContent).empty()) return;
  try {
    settings.task_options[kContent] = read_data_set(settings).content;
  } catch (const DatasetError& error) {
    throw InputError("{}: {}", place, error.what());
  }
}

std::shared_ptr<const Digits> load_data_set(const Settings& settings) {
  if (!known_task(settings.task, "data set").is_data_set) return nullptr;
  try {
    const DataSet& found = read_data_set(settings);
    if (const std::string wanted = text_option(settings, kContent);
        !wanted.empty() && wanted != found.content)
      throw InputError(
          "{}: its images and labels have digest {}, and the training is planned for {} = {}; give {} the "
          "directory of that data set",
          found.path, found.content, kContent, wanted, kPath);
    return found.digits;
  } catch (const DatasetError& error) {
    throw InputError("{}", error.what());
  }
}

}  // namespace impsweep

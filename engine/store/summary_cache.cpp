#include "engine/store/summary_cache.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "io/error.hpp"
#include "io/files.hpp"
#include "io/record_file.hpp"

namespace impsweep {
namespace {

constexpr std::int64_t kFormat = 3;

std::filesystem::path cache_file(const Store& store) {
  return store.directory() / "summaries.h5";
}

// The fields of summaries as arrays, one for each field, in the order in which a summary visits them.
class Columns {
 public:
  struct Column {
    std::string name;
    std::variant<std::vector<std::int64_t>, std::vector<double>> values;
  };

  void append(RoundSummary summary) {
    next_ = 0;
    const auto archive = [&]<class T>(const char* name, const T& value) { column<T>(name).push_back(value); };
    archive("file_bytes", summary.file.bytes);
    archive("file_changed", summary.file.changed_ns);
    summary.visit(archive);
  }

  RoundSummary row(std::size_t index) {
    next_ = 0;
    RoundSummary summary;
    const auto archive = [&]<class T>(const char* name, T& value) { value = column<T>(name).at(index); };
    archive("file_bytes", summary.file.bytes);
    archive("file_changed", summary.file.changed_ns);
    summary.visit(archive);
    return summary;
  }

  void take_from(Record& record) {
    RoundSummary summary;
    next_ = 0;
    const auto archive = [&]<class T>(const char* name, const T&) {
      column<T>(name) = record.values<T>(name);
    };
    archive("file_bytes", summary.file.bytes);
    archive("file_changed", summary.file.changed_ns);
    summary.visit(archive);
  }

  void add_to(Record& record) && {
    for (Column& column : columns_)
      std::visit([&](auto& values) { record.arrays[column.name] = Array::vector(std::move(values)); },
                 column.values);
  }

 private:
  template <class T>
  std::vector<T>& column(const char* name) {
    if (next_ == columns_.size()) columns_.push_back({name, std::vector<T>()});
    return std::get<std::vector<T>>(columns_[next_++].values);
  }

  std::vector<Column> columns_;
  std::size_t next_ = 0;
};

}  // namespace

SummaryCache read_summary_cache(const Store& store) {
  SummaryCache cache;
  if (store.is_pack()) {
    for (const std::string& digest : store.finished())
      if (const std::optional<Record> record = store.load(digest, RecordPart::kAttributes)) {
        RoundSummary summary = read_summary(*record);
        summary.file = store.stamp(digest);
        cache.emplace(TrainingId(digest), summary);
      }
    return cache;
  }
  try {
    Record record = read_record_file(cache_file(store));
    if (record.integer("", "format") != kFormat) return {};
    const auto& digests = record.values<std::uint8_t>("digest");
    const std::string_view digits(reinterpret_cast<const char*>(digests.data()), digests.size());
    Columns columns;
    columns.take_from(record);
    cache.reserve(digits.size() / TrainingId::kLength);
    for (std::size_t i = 0; (i + 1) * TrainingId::kLength <= digits.size(); ++i)
      cache.emplace(TrainingId(digits.substr(i * TrainingId::kLength, TrainingId::kLength)), columns.row(i));
  } catch (const InputError&) {
    return {};
  } catch (const std::out_of_range&) {  // columns of different lengths
    return {};
  }
  return cache;
}

void write_summary_cache(const Store& store, const Plan& plan, const RoundSummaries& summaries) {
  Columns columns;
  std::vector<std::uint8_t> digests;
  digests.reserve(TrainingId::kLength * summaries.size());
  for (const auto& [training, summary] : summaries) {
    const std::string_view digits = plan.trainings[training].digest.digits();
    digests.insert(digests.end(), digits.begin(), digits.end());
    columns.append(summary);
  }
  Record record;
  record.attributes[""]["format"] = kFormat;
  record.arrays["digest"] = Array::matrix(summaries.size(), TrainingId::kLength, std::move(digests));
  std::move(columns).add_to(record);
  try {
    replace_atomically(cache_file(store), encode_record(record));
  } catch (const InputError&) {
    // The next reader opens the results instead.
  }
}

}  // namespace impsweep

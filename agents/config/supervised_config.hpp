// agents/config/supervised_config.hpp - the options of classification of labelled images. No hyper-parameter
// is in the paper: these are the values of Frankle and Carbin (2019) for LeNet-300-100.
#pragma once

#include <cstdint>

#include "agents/config/option_field.hpp"

namespace impsweep {

struct SupervisedConfig {
  double learning_rate = 1.2e-3;
  std::int64_t batch_size = 60;

  template <class V>
  void visit(V& v) {
    v("supervised.learning_rate", learning_rate, kPositive, "Adam step size");
    v("supervised.batch_size", batch_size, Range{1, 65536}, "images per update");
  }
};

}  // namespace impsweep

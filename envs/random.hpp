// envs/random.hpp - the only source of randomness: counter-based streams that are named by what they decide.
//
// A stream is a pure function of its name; it depends on no rank, thread, time or address. A new consumer
// takes a new name and moves nobody else's draws. Generator: Philox4x32-10 (Salmon et al. 2011, library
// Random123), keyed by the 128-bit xxHash of the name.
#pragma once

#include <cstdint>
#include <string_view>

namespace impsweep {

// The interface of random numbers for environments: two elementary draws. A recorded list of draws can
// implement it too.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual double uniform() = 0;                    // U: double in [0, 1), 53 bits
  virtual std::int64_t below(std::int64_t n) = 0;  // I(n): integer in {0, ..., n-1}, n >= 1
};

class Stream final : public RandomSource {
 public:
  Stream() = default;
  explicit Stream(std::string_view name);  // e.g. "0/cartpole/ppo/128-128/s3/r0/minibatch"

  double uniform() override;
  std::int64_t below(std::int64_t n) override;  // without bias (Lemire's multiplication with rejection)
  std::uint64_t bits();                         // 64 random bits

  template <class Archive>
  void visit(Archive& archive) {
    archive("key0", key_[0]);
    archive("key1", key_[1]);
    archive("counter_high", high_);
    archive("position", position_);
    archive("spare", spare_);
    archive("spare_block", spare_block_);
  }

 private:
  std::uint32_t key_[2] = {0, 0};
  std::uint64_t high_ = 0;      // upper half of the counter: the other 64 bits of the name's hash
  std::uint64_t position_ = 0;  // 64-bit words drawn so far; one Philox block gives two
  std::uint64_t spare_ = 0;     // second word of the block below; saved, so that a restored stream has it
  std::uint64_t spare_block_ = ~std::uint64_t{0};
};

// A standard normal number (Box and Muller 1958) from two uniforms.
double draw_normal(Stream&);

// Fisher-Yates from the last element down; writes a uniform permutation of 0..n-1 over `order`.
void shuffle(Stream&, std::int32_t* order, std::int64_t n);

}  // namespace impsweep

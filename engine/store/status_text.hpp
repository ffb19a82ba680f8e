// engine/store/status_text.hpp - how far a store is, as text for people.
#pragma once

#include <span>
#include <string>

#include "engine/store/status.hpp"

namespace impsweep {

// What is said of StoreStatus::irreproducible; empty if there is none.
std::string irreproducible_text(const std::vector<std::string>& tasks);

std::string status_text(const StoreStatus&, const std::string& directory);

// The newest `width` values as bars of one to eight eighths of the largest; "" without values.
std::string sparkline(std::span<const double> values, std::size_t width);

// All values in at most `width` bars between the smallest and the largest of them; a space for NaN, and bars
// of half the height where all are equal.
std::string return_curve(std::span<const double> values, std::size_t width);

// One screen for a terminal of this size: totals with a bar and the course of the rate, running trainings
// with their returns, failures, groups; what does not fit is counted. `rates` are the steps per second seen
// so far, `returns` lines of return_curves(), if they were asked for. From 60 columns on, nothing that counts
// is cut.
std::string status_screen(const StoreStatus&, const std::string& directory, std::span<const double> rates,
                          std::size_t rows, std::size_t columns, std::span<const std::string> returns = {});

// "5/5 candidates for teachers, 3/4 rounds of tickets that give their inputs"; empty if there are none.
std::string beside_chains_text(const BesideChains&);

// A warning of so many finished rounds whose policy no input reaches; empty for none.
std::string without_path_text(std::size_t rounds);

}  // namespace impsweep

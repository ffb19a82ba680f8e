// engine/plan/recipe_plan.hpp - one training from its recipe alone, without the job that asked for it.
#pragma once

#include <string>

#include "engine/plan/plan.hpp"

namespace impsweep {

// A plan that ends with the training of this recipe. Those that it depends on stand before it: of them only
// the digest is known, which is all that computing this one needs. `origin` (a file) stands in messages.
// InputError if this version computes other results than the recipe's (another semantics), or if it learns
// from a teacher or a data set: the recipe holds digests of the list of candidates and of the images, and
// neither list nor directory.
Plan plan_of_recipe(const Recipe&, const std::string& origin);

}  // namespace impsweep

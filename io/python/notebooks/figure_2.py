# ---
# jupyter:
#   jupytext: {text_representation: {extension: .py, format_name: percent}}
#   kernelspec: {name: python3, display_name: Python 3}
# ---

# %% [markdown]
# # From a store to a figure
#
# The paper's figure 2 draws the return against the weights that are left, under four baselines. Here it is drawn from a
# store, or a pack, with a few lines of pandas and matplotlib; then rliable compares the baselines.
#
# `IMPSWEEP_STORE` names the store, for example the one that `jobs/quickstart` makes.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import impsweep

store = impsweep.Store(os.environ.get("IMPSWEEP_STORE", "stores/quickstart"))
rounds = store.rounds()
rounds = rounds[rounds.variant == "default"]
rounds.head()

# %% [markdown]
# ## Return against density
#
# Mean and standard deviation over seeds: on the left the best evaluation during training, as in the paper, on the right
# the same networks on fresh episodes.

# %%
groups = list(rounds.groupby(["task", "algorithm", "network"]))
figure, axes = plt.subplots(len(groups), 2, figsize=(9, 3.4 * len(groups)), squeeze=False, sharey="row")
for row, ((task, algorithm, network), of_group) in zip(axes, groups):
    for axis, metric in zip(row, ("best_return", "reevaluated_return")):
        for baseline, of_baseline in of_group.groupby("baseline"):
            over_seeds = of_baseline.groupby("round").agg(density=("density", "mean"), mean=(metric, "mean"),
                                                          deviation=(metric, "std"))
            axis.plot(100 * over_seeds.density, over_seeds["mean"], marker="o", markersize=3, label=baseline)
            axis.fill_between(100 * over_seeds.density, over_seeds["mean"] - over_seeds.deviation.fillna(0),
                              over_seeds["mean"] + over_seeds.deviation.fillna(0), alpha=0.2)
        axis.set(xscale="log", xlabel="weights left, %", title=f"{task} {algorithm} {network}: {metric}")
        axis.invert_xaxis()
    row[0].set_ylabel("return")
    row[0].legend(fontsize="small")
figure.tight_layout()

# %% [markdown]
# ## How sure is the difference?
#
# rliable takes an array of runs and tasks for each baseline. Scores are normalised: 0 is the untrained network, 1 the
# dense one.

# %%
from rliable import library, metrics, plot_utils

task, algorithm, network = groups[0][0]
scores = store.scores(by="baseline", where={"task": task, "algorithm": algorithm, "network": network,
                                            "variant": "default"})
points, intervals = library.get_interval_estimates(
    dict(scores), lambda values: np.array([metrics.aggregate_iqm(values), metrics.aggregate_mean(values)]), reps=2000)
plot_utils.plot_interval_estimates(points, intervals, metric_names=["IQM", "mean"], algorithms=list(scores),
                                   xlabel="normalised return", xlabel_y_coordinate=-0.55)
{name: float(array.mean().round(3)) for name, array in scores.items()}

# %% [markdown]
# ## What the last ticket sees

# %%
chain = rounds[rounds.baseline == "mask/weights"].iloc[-1]
inputs = store.inputs()
inputs = inputs[(inputs.chain == chain.chain) & (inputs["round"] == chain["round"])]
inputs[["name", "magnitude", "kept", "effective"]].head(12)

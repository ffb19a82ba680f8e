"""Double Q-learning on MinAtar's Breakout in rejax, compiled by XLA: a perceptron of 1024-512, batches of 256, an update
for every 64 steps, uniform replay, no evaluations.

    jax_dqn_breakout.py STEPS

prints one line of JSON: CPU seconds of the training, and of one update with the steps that belong to it."""

import json
import os
import sys
import time

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false --xla_force_host_platform_device_count=1"

import jax  # noqa: E402  (reads the variables above)
from flax import linen  # noqa: E402
from rejax import DQN  # noqa: E402
from rejax.networks import DiscreteQNetwork, EpsilonGreedyPolicy  # noqa: E402

LANES, FIRST_LEARNING_STEP = 64, 5000


def main():
    steps = int(sys.argv[1])
    algorithm = DQN.create(env="Breakout-MinAtar", num_envs=LANES, batch_size=256, num_epochs=1, buffer_size=100_032,
                           fill_buffer=FIRST_LEARNING_STEP, learning_rate=2.5e-4, target_update_freq=20_000,
                           max_grad_norm=10.0, total_timesteps=steps, eval_freq=steps, skip_initial_evaluation=True)
    actions = algorithm.env.action_space(algorithm.env_params).n
    network = EpsilonGreedyPolicy(DiscreteQNetwork)(hidden_layer_sizes=(1024, 512), action_dim=actions,
                                                    activation=linen.relu)
    algorithm = algorithm.replace(agent=network, eval_callback=lambda _, state, __: state.global_step)
    key = jax.random.PRNGKey(0)
    start = time.monotonic()
    train = jax.jit(algorithm.train).lower(key).compile()
    compiled = time.monotonic()
    cpu = time.process_time()
    jax.block_until_ready(train(key))
    seconds = time.process_time() - cpu
    print(json.dumps({"cpu_seconds": seconds, "compile_seconds": compiled - start,
                      "ms_per_update": 1e3 * seconds * LANES / (steps - FIRST_LEARNING_STEP)}))


main()

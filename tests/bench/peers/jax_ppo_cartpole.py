"""PPO on Cart-Pole in rejax: XLA compiles the whole training, evaluations included, into one program.

    jax_ppo_cartpole.py STEPS

prints one line of JSON: CPU seconds of the training, seconds of compilation, the best mean return. The shape is that of
`cartpole.ppo` (jobs/quickstart.toml): two networks of 128-128, 4 lanes of 64 steps, 4 epochs of 4 minibatches, 20 episodes
of evaluation about every 2,000 steps (a whole number of iterations)."""

import json
import os
import sys
import time

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false --xla_force_host_platform_device_count=1"

import jax  # noqa: E402  (reads the variables above)
from rejax import PPO  # noqa: E402
from rejax.evaluate import evaluate  # noqa: E402

LANES, STEPS_OF_LANE, EVALUATION_INTERVAL = 4, 64, 2048
EPISODES, LONGEST_EPISODE = 20, 500


def returns_of_evaluation(algorithm, state, key):
    act = algorithm.make_act(state)
    return evaluate(act, key, algorithm.env, algorithm.env_params, EPISODES, LONGEST_EPISODE)


def main():
    steps = int(sys.argv[1])
    algorithm = PPO.create(env="CartPole-v1", agent_kwargs={"hidden_layer_sizes": (128, 128), "activation": "relu"},
                           num_envs=LANES, num_steps=STEPS_OF_LANE, num_epochs=4, num_minibatches=4,
                           learning_rate=5e-4, gamma=0.99, gae_lambda=0.8, clip_eps=0.2, vf_coef=0.5, ent_coef=0.001,
                           max_grad_norm=1.0, total_timesteps=steps, eval_freq=EVALUATION_INTERVAL)
    algorithm = algorithm.replace(eval_callback=returns_of_evaluation)
    key = jax.random.PRNGKey(0)
    start = time.monotonic()
    train = jax.jit(algorithm.train).lower(key).compile()
    compiled = time.monotonic()
    cpu = time.process_time()
    _, (_, returns) = jax.block_until_ready(train(key))
    print(json.dumps({"cpu_seconds": time.process_time() - cpu, "compile_seconds": compiled - start,
                      "best_return": float(returns.mean(axis=-1).max())}))


main()

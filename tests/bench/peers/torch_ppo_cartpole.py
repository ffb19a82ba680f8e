"""PPO on Cart-Pole in eager PyTorch, as one writes it for an experiment with lottery tickets: pruned weights are held by
torch.nn.utils.prune, which multiplies them with their mask in every pass.

    torch_ppo_cartpole.py STEPS [DENSITY]

prints one line of JSON. The shape is that of `cartpole.ppo`: two networks of 128-128, 4 lanes of 64 steps, 4 epochs of 4
minibatches, learning rate and clip that fall linearly, 20 episodes of evaluation every 2,000 steps. DENSITY is the
actor's."""

import json
import math
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402  (read the variables above)
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import prune  # noqa: E402

LANES, LENGTH, EPOCHS, MINIBATCHES = 4, 64, 4, 4
DISCOUNT, DECAY, LEARNING_RATE, CLIP = 0.99, 0.8, 5e-4, 0.2
EVALUATION_INTERVAL, EPISODES = 2000, 20


class CartPole:
    """The equations of Gymnasium's CartPole-v1."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def reset(self):
        self.state, self.time = self.random.uniform(-0.05, 0.05, 4), 0
        return self.state

    def step(self, action):
        x, velocity, angle, spin = self.state
        force = 10.0 if action == 1 else -10.0
        cosine, sine = math.cos(angle), math.sin(angle)
        pushed = (force + 0.05 * spin * spin * sine) / 1.1
        turn = (9.8 * sine - cosine * pushed) / (0.5 * (4 / 3 - 0.1 * cosine * cosine / 1.1))
        move = pushed - 0.05 * turn * cosine / 1.1
        self.state = self.state + 0.02 * np.array([velocity, move, spin, turn])
        self.time += 1
        fell = abs(self.state[0]) > 2.4 or abs(self.state[2]) > math.radians(12)
        return self.state, fell or self.time >= 500


def perceptron(outputs):
    return nn.Sequential(nn.Linear(4, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, outputs))


def observations(states):
    return torch.as_tensor(np.array(states), dtype=torch.float32)


def mean_return(actor, round_number):
    environments = [CartPole(10_000 * round_number + i) for i in range(EPISODES)]
    states, live, total = [e.reset() for e in environments], list(range(EPISODES)), 0
    while live:
        with torch.no_grad():
            drawn = torch.distributions.Categorical(logits=actor(observations([states[i] for i in live]))).sample()
        total += len(live)  # every step is worth one
        still = []
        for i, action in zip(live, drawn.tolist()):
            states[i], ended = environments[i].step(action)
            if not ended:
                still.append(i)
        live = still
    return total / EPISODES


def advantages(reward, done, value):
    result, running = torch.zeros(LENGTH, LANES), torch.zeros(LANES)
    for t in reversed(range(LENGTH)):
        goes_on = 1 - done[t]
        running = reward[t] + DISCOUNT * value[t + 1] * goes_on - value[t] + DISCOUNT * DECAY * goes_on * running
        result[t] = running
    return result


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    steps = int(sys.argv[1])
    density = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    actor, critic = perceptron(2), perceptron(1)
    if density < 1:
        layers = [(layer, "weight") for layer in actor if isinstance(layer, nn.Linear)]
        prune.global_unstructured(layers, prune.L1Unstructured, amount=1 - density)
    parameters = [*actor.parameters(), *critic.parameters()]
    optimizer = torch.optim.Adam(parameters, LEARNING_RATE)
    environments = [CartPole(lane) for lane in range(LANES)]
    states = [e.reset() for e in environments]
    iterations, best, due = -(-steps // (LENGTH * LANES)), mean_return(actor, 0), EVALUATION_INTERVAL
    start = time.process_time()
    for iteration in range(iterations):
        left = (iterations - iteration) / iterations
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * left
        seen, taken = torch.zeros(LENGTH, LANES, 4), torch.zeros(LENGTH, LANES, dtype=torch.long)
        likelihood, value = torch.zeros(LENGTH, LANES), torch.zeros(LENGTH + 1, LANES)
        reward, done = torch.ones(LENGTH, LANES), torch.zeros(LENGTH, LANES)
        for t in range(LENGTH):
            seen[t] = observations(states)
            with torch.no_grad():
                policy = torch.distributions.Categorical(logits=actor(seen[t]))
                taken[t] = policy.sample()
                likelihood[t] = policy.log_prob(taken[t])
                value[t] = critic(seen[t]).squeeze(-1)
            for lane, action in enumerate(taken[t].tolist()):
                states[lane], ended = environments[lane].step(action)
                if ended:
                    done[t, lane], states[lane] = 1, environments[lane].reset()
        with torch.no_grad():
            value[LENGTH] = critic(observations(states)).squeeze(-1)
        advantage = advantages(reward, done, value)
        target = (advantage + value[:LENGTH]).flatten()
        seen, taken = seen.flatten(0, 1), taken.flatten()
        advantage, likelihood = advantage.flatten(), likelihood.flatten()
        for _ in range(EPOCHS):
            for chosen in torch.randperm(LENGTH * LANES).chunk(MINIBATCHES):
                policy = torch.distributions.Categorical(logits=actor(seen[chosen]))
                ratio = (policy.log_prob(taken[chosen]) - likelihood[chosen]).exp()
                clipped = ratio.clamp(1 - CLIP * left, 1 + CLIP * left)
                gain = torch.min(ratio * advantage[chosen], clipped * advantage[chosen]).mean()
                error = critic(seen[chosen]).squeeze(-1) - target[chosen]
                loss = 0.25 * error.square().mean() - gain - 0.001 * policy.entropy().mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
        if (iteration + 1) * LENGTH * LANES >= due:
            best = max(best, mean_return(actor, due))
            due += EVALUATION_INTERVAL
    print(json.dumps({"cpu_seconds": time.process_time() - start, "compile_seconds": 0, "best_return": best}))


main()

"""retake-learn beside PyTorch: the same data, first weights, order of batches, loss and optimiser.

    cargo build --release -p retake-learn --example beside
    PYTHON_WITH_TORCH scripts/bench_learning.py [--rounds 5] [--steps 2000] [--seconds 60] [--json FILE]

Reports, for two networks, the loss over all data after training, how many steps a second each makes, and how long an answer to one
observation takes at 50 Hz. PyTorch runs with one thread and with as many as it likes. Processes run one after another, in an order
that changes from round to round; ratios are medians over the rounds of that round's ratio. Times of training are given by the clock and by
processor time, since the first says little on a machine that is busy with other things: look at the load.

Needs torch, numpy and safetensors.
"""

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

BINARY = "target/release/examples/beside"
MODES, MIN_STD, GROUPS = 5, 1e-4, [6, 1]
SIDES = ["retake", "torch-1", "torch"]


def load(directory):
    """Data and network as retake-learn wrote them; the network is a list of (weight, bias)."""
    import torch
    from safetensors.torch import load_file

    data = load_file(f"{directory}/data.safetensors")
    policy = load_file(f"{directory}/start/policy.safetensors")
    layers = []
    while f"layers.{len(layers)}.weight" in policy:
        layer = torch.nn.Linear(*policy[f"layers.{len(layers)}.weight"].shape)
        with torch.no_grad():
            layer.weight.copy_(policy[f"layers.{len(layers)}.weight"].T)
            layer.bias.copy_(policy[f"layers.{len(layers)}.bias"])
        layers.append(layer)
    modules = [m for layer in layers for m in (layer, torch.nn.ReLU())][:-1]
    return data, policy, torch.nn.Sequential(*modules)


def loss_of(torch, net, observations, actions, coefficients, members):
    """What crates/retake-learn/src/mixture.rs describes."""
    output = net(observations)
    batch, width = actions.shape
    logits, means, raw = output.split([MODES, MODES * width, MODES * width], dim=1)
    log_mix = torch.log_softmax(logits, dim=1)
    means = means.view(batch, MODES, width)
    std = torch.nn.functional.softplus(raw).view(batch, MODES, width) + MIN_STD
    distance = (actions.unsqueeze(1) - means) / std
    density = -0.5 * distance.square() - 0.5 * math.log(2 * math.pi) - std.log()
    of_modes = density @ members + log_mix.unsqueeze(2)
    return -(torch.logsumexp(of_modes, dim=1) * coefficients).sum() / batch


def train(directory):
    import torch

    if os.environ.get("THREADS"):
        torch.set_num_threads(int(os.environ["THREADS"]))
    data, policy, net = load(directory)
    config, groups = json.load(open(f"{directory}/config.json"))
    scaled = {
        name: (data[f"{name}s"] - policy[f"{name}.mean"]) / policy[f"{name}.spread"]
        for name in ("observation", "action")
    }
    weights = data["weights"]
    least = weights.min(dim=1, keepdim=True).values
    owner = torch.tensor([group for group, values in enumerate(GROUPS) for _ in range(values)])
    members = torch.ones(len(owner), 1)
    coefficients = least
    if groups:
        members = torch.cat([members, (owner.unsqueeze(1) == torch.arange(len(GROUPS))).float()], dim=1)
        coefficients = torch.cat([least, weights - least], dim=1)
    parts = (scaled["observation"], scaled["action"], coefficients)
    adam = torch.optim.Adam(net.parameters(), lr=config["learning_rate"])
    begin = None
    for rows in data["order"]:
        adam.zero_grad()
        loss = loss_of(torch, net, *(part[rows] for part in parts), members)
        loss.backward()
        adam.step()
        loss.item()
        begin = begin or (time.perf_counter(), time.process_time())
    wall, cpu = time.perf_counter() - begin[0], time.process_time() - begin[1]
    with torch.no_grad():
        loss = loss_of(torch, net, *parts, members).item()
    steps = len(data["order"]) - 1
    print(json.dumps({"loss": loss, "steps_per_s": steps / wall, "cpu_ms": 1e3 * cpu / steps}))


def serve(directory, seconds):
    import torch

    if os.environ.get("THREADS"):
        torch.set_num_threads(int(os.environ["THREADS"]))
    data, policy, net = load(directory)
    mean, spread = policy["observation.mean"], policy["observation.spread"]
    action_mean, action_spread = policy["action.mean"], policy["action.spread"]
    width, micros = len(action_mean), []
    rows = data["observations"].numpy()
    begin = time.perf_counter()
    with torch.inference_mode():
        for tick in range(seconds * 50):
            time.sleep(max(0, begin + 0.02 * (tick + 1) - time.perf_counter()))
            asked = time.perf_counter()
            observation = torch.from_numpy(rows[tick % len(rows)])
            output = net((observation - mean) / spread)
            best = int(output[:MODES].argmax())
            start = MODES + best * width
            (output[start : start + width] * action_spread + action_mean).tolist()
            micros.append(1e6 * (time.perf_counter() - asked))
    print(json.dumps({"micros": micros}))


def run(side, what, directory, *args):
    """Runs one side in a process of its own; its figures and the processor time it took, in seconds."""
    command = [BINARY] if side == "retake" else [sys.executable, __file__]
    env = dict(os.environ) | ({"THREADS": "1", "OMP_NUM_THREADS": "1"} if side == "torch-1" else {})
    before = os.times()
    done = subprocess.run([*command, what, directory, *args], env=env, stdout=subprocess.PIPE, check=True)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return json.loads(done.stdout), cpu


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def bench_training(directory, rounds, shuffle):
    figures = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side in shuffle(SIDES):
            figures[side].append(run(side, "train", directory)[0])
    ours = figures["retake"]
    report = {}
    for side in SIDES:
        theirs = figures[side]
        median = lambda key: statistics.median(figure[key] for figure in theirs)
        ratio = lambda key: statistics.median(a[key] / b[key] for a, b in zip(ours, theirs))
        report[side] = {
            "loss": theirs[0]["loss"],
            "relative": abs(ours[0]["loss"] - theirs[0]["loss"]) / abs(theirs[0]["loss"]),
            "steps_per_s": median("steps_per_s"),
            "cpu_ms_per_step": median("cpu_ms"),
            "throughput_ratio": ratio("steps_per_s"),
            "cpu_ratio": 1 / ratio("cpu_ms"),
        }
    return report


def bench_serving(directory, seconds, rounds, shuffle):
    micros, cpu = {side: [] for side in SIDES}, {side: [] for side in SIDES}
    part = max(1, seconds // rounds)
    for _ in range(rounds):
        for side in shuffle(SIDES):
            base = run(side, "serve", directory, "0")[1]
            figures, used = run(side, "serve", directory, str(part))
            micros[side] += figures["micros"]
            cpu[side].append((used - base) / part)
    return {
        side: {
            "p50_us": percentile(micros[side], 0.5),
            "p99_us": percentile(micros[side], 0.99),
            "p999_us": percentile(micros[side], 0.999),
            "answers": len(micros[side]),
            "cpu_share": statistics.median(cpu[side]),
        }
        for side in SIDES
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--json")
    args = parser.parse_args()
    rng = random.Random(1)
    shuffle = lambda sides: rng.sample(sides, len(sides))
    report = {"load_before": os.getloadavg(), "training": {}, "serving": {}}
    with tempfile.TemporaryDirectory() as place:
        for width, weights in ((64, "equal"), (256, "groups")):
            name, directory = f"{width}-{width}, {weights}", f"{place}/{width}"
            subprocess.run([BINARY, "prepare", directory, str(width), weights, str(args.steps)], check=True)
            report["training"][name] = bench_training(directory, args.rounds, shuffle)
            report["serving"][name] = bench_serving(directory, args.seconds, args.rounds, shuffle)
    report["load_after"] = os.getloadavg()
    print(json.dumps(report, indent=1))
    if args.json:
        with open(args.json, "w") as file:
            json.dump(report, file, indent=1)
    worst = max(
        side["relative"] for sides in report["training"].values() for side in sides.values()
    )
    print(f"largest difference of the final loss: {worst:.1e} relative (bound 1e-3)")
    sys.exit(0 if worst <= 1e-3 else 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["train"]:
        train(sys.argv[2])
    elif sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        main()

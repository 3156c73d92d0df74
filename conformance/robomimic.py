"""Has stock robomimic judge an exported HDF5 file. See README.md."""

import argparse
import contextlib
import io
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

from common import Expected, Pictures, Report, same

sys.path.pop(0)  # this folder: the names of these scripts hide the packages they judge

import h5py  # noqa: E402
import torch  # noqa: E402

with contextlib.redirect_stdout(io.StringIO()):
    import robomimic.utils.file_utils as FileUtils  # noqa: E402
    import robomimic.utils.obs_utils as ObsUtils  # noqa: E402
    from robomimic.algo import algo_factory  # noqa: E402
    from robomimic.config import config_factory  # noqa: E402
    from robomimic.scripts.get_dataset_info import __file__ as INFO_SCRIPT  # noqa: E402
    from robomimic.utils.dataset import SequenceDataset  # noqa: E402


def path_of(key: str, stored) -> str:
    """Where a column of the expectation stands in a demo: as it is, or by the exporter's naming."""
    if key in ARGS.map:
        return ARGS.map[key]
    if key in stored:
        return key
    if key == "action":
        return "actions"
    if key.startswith("observation.images."):
        return f"obs/{key.removeprefix('observation.images.').replace('.', '_')}_image"
    if key.startswith("observation."):
        return f"obs/{key.removeprefix('observation.').replace('.', '_')}"
    return key.replace(".", "_")


def quiet(action):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return action()


def check_file(report, file, expected):
    """What robomimic asks of the file beyond what its loader would stumble over."""
    demos = sorted(file["data"], key=lambda name: int(name[5:]))
    report.check("demos", len(demos) == len(expected.episodes), f"{len(demos)}, expected {len(expected.episodes)}")
    report.check("env_args", {"env_name", "type", "env_kwargs"} <= set(json.loads(file["data"].attrs["env_args"])), "a key is missing")
    report.check("total", int(file["data"].attrs["total"]) == expected.total, f"{file['data'].attrs['total']}, expected {expected.total}")
    for name, want in zip(demos, expected.episodes, strict=False):
        demo = file["data"][name]
        samples = demo.attrs["num_samples"]
        report.check("num_samples", samples == want["length"] and samples.dtype.kind == "i", f"{name}: {samples} {samples.dtype}, expected {want['length']}")
        task = demo.attrs.get("task")
        report.check("episode task", task == want["task"], f"{name}: {task!r}, expected {want['task']!r}")
        for key, value in want["columns"].items():
            got = demo.attrs.get(key)
            report.check("episode columns", got == value, f"{name} {key}: {got!r}, expected {value!r}")

        def lengths(path, node, name=name, want=want):
            if isinstance(node, h5py.Dataset):
                report.check("lengths", node.shape[:1] == (want["length"],), f"{name}/{path}: {node.shape}, expected {want['length']}")

        demo.visititems(lengths)
        for key in demo["next_obs"] if "next_obs" in demo else ():
            ahead = demo["next_obs"][key][: want["length"] - 1]
            report.check("next_obs", np.array_equal(ahead, demo["obs"][key][1:], equal_nan=ahead.dtype.kind == "f"), f"{name} {key} is not obs one row on")
    masks = {k: sorted(x.decode() for x in file["mask"][k][:]) for k in file["mask"]} if "mask" in file else {}
    known = all(set(names) <= set(demos) and names for names in masks.values())
    report.check("masks", known, f"{masks} against {demos}")
    for key, episodes in expected.header.get("masks", {}).items():
        want = sorted(demos[e] for e in episodes if e < len(demos))
        report.check("masks", masks.get(key) == want, f"{key}: {masks.get(key)}, expected {want}")
    if {"train", "valid"} <= set(masks):
        report.check("masks", not set(masks["train"]) & set(masks["valid"]), "train and valid overlap")
    return demos, masks


def open_dataset(obs, keys, **kwargs):
    cached = {"hdf5_cache_mode": "low_dim", "load_next_obs": False, **kwargs}
    return quiet(lambda: SequenceDataset(str(ARGS.export), obs_keys=obs, dataset_keys=keys, **cached))


def check_rows(report, stored, demos, expected):
    """Every row through SequenceDataset, uncached, since the cache makes all of it float32."""
    paths = {k: path_of(k, stored) for k in expected.features}
    cameras = {}
    row = next(expected.rows())
    for camera in row.get("images", {}):
        path = path_of(camera, stored)
        if path in stored:
            cameras[path] = (camera, Pictures(report, camera, ARGS.images or expected.path.parent, ARGS.min_psnr))
        report.check("cameras", path in stored, f"{camera}: no {path}")
    beyond = set(stored) - set(paths.values()) - set(cameras) - {"rewards", "dones", "states"}
    beyond = {p for p in beyond if not p.startswith(("next_obs/", "action_dict/"))}
    report.check("columns", not beyond, f"in the file but not expected: {sorted(beyond)}")
    absent = sorted(p for p in paths.values() if p not in stored)
    report.check("columns", not absent, f"expected but not in the file: {absent}")
    paths = {k: p for k, p in paths.items() if p in stored}
    obs = [p[4:] for p in stored if p.startswith("obs/")]
    keys = [p for p in dict.fromkeys([*paths.values(), "actions", "rewards", "dones"]) if not p.startswith(("obs/", "next_obs/"))]
    ahead = all(f"next_obs/{key}" in stored for key in obs)  # pictures are in obs alone: behaviour cloning needs no others
    dataset = open_dataset(obs, keys, hdf5_cache_mode=None, load_next_obs=ahead)
    report.check("rows", len(dataset) == expected.total, f"{len(dataset)}, expected {expected.total}")
    rows, i = expected.rows(), 0
    for e, episode in enumerate(expected.episodes):
        block = [row for _, row in zip(range(episode["length"]), rows, strict=False)]
        for camera, judge in cameras.values():
            judge.start_episode([row["images"].get(camera) for row in block])
        for f, row in enumerate(block):
            where = f"{demos[e] if e < len(demos) else e} row {f}"
            if (row["episode"], row["frame"]) != (e, f) or set(row["values"]) != set(expected.features):
                raise SystemExit(f"{expected.path}: row {i + 2} is not episode {e} frame {f} with every feature")
            item = report.attempt("read rows", lambda i=i: dataset[i])
            i += 1
            if item is None:
                continue
            report.check("read rows", True)
            for key, path in paths.items():
                group, _, name = path.rpartition("/")
                got = np.asarray(item[group][name] if group else item[name])[0]
                report.check(f"column {key}", same(got, row["values"][key]), f"{where}: {got}, expected {row['values'][key]}")
            for path, (_, judge) in cameras.items():
                judge.frame(f, item["obs"][path[4:]][0], where)
        for _, judge in cameras.values():
            judge.end_episode(f"episode {e}")
    for _, judge in cameras.values():
        judge.finish()


def check_sequences(report, obs, demos, expected, masks):
    """Sequences of ten from the cache, padded at the end of a demo, through a DataLoader; and each mask."""
    dataset = open_dataset(obs, ("actions", "rewards", "dones"), seq_length=10)
    start, plain = 0, open_dataset(obs, ("actions",))
    for episode in expected.episodes:
        last = start + episode["length"] - 1
        for i in sorted({start, max(start, last - 4), last}):
            want = np.concatenate([plain[min(i + k, last)]["actions"] for k in range(10)])
            report.check("sequences", np.array_equal(dataset[i]["actions"], want), f"row {i}: ten actions on differ")
        start = last + 1
    for batch in torch.utils.data.DataLoader(dataset, batch_size=16, shuffle=True, num_workers=2):
        shapes = {k: tuple(v.shape) for k, v in batch["obs"].items()}
        report.check("DataLoader", all(len(s) >= 3 and s[1] == 10 for s in shapes.values()), f"{shapes}: an observation lacks its last dimension")
        report.check("DataLoader", batch["rewards"].ndim == 2 and batch["actions"].ndim == 3, "rewards are not (T,) or actions not (T, A)")
    for mask in masks:
        rows = sum(expected.episodes[demos.index(d)]["length"] for d in masks[mask])
        report.check("masks", len(open_dataset(obs, ("actions",), filter_by_attribute=mask)) == rows, f"{mask}: not {rows} rows")


def train(report, obs, extra, steps, gmm):
    """Stock BC on the low-dimensional observations."""
    config = config_factory("bc")
    with config.values_unlocked():
        config.observation.modalities.obs.low_dim = obs
        config.train.cuda = False
        config.algo.gmm.enabled = gmm
        config.algo.actor_layer_dims = (64, 64)
    quiet(lambda: ObsUtils.initialize_obs_utils_with_config(config))
    meta = FileUtils.get_shape_metadata_from_dataset(str(ARGS.export), all_obs_keys=obs)
    torch.manual_seed(0)
    model = quiet(lambda: algo_factory("bc", config, meta["all_shapes"], meta["ac_dim"], torch.device("cpu")))
    dataset = open_dataset(obs, tuple(config.train.dataset_keys), load_next_obs=config.train.hdf5_load_next_obs)
    name = "BC-GMM" if gmm else "BC"
    inputs = set(model.nets["policy"].input_obs_group_shapes["obs"])
    report.check("policy inputs", inputs == set(obs) and not inputs & extra, f"{name}: {sorted(inputs)}")
    report.note("policy inputs", sorted(inputs))
    loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)
    losses = []
    model.set_train()
    while len(losses) < steps:
        for batch in loader:
            batch = model.process_batch_for_training(batch)
            info = model.log_info(model.train_on_batch(batch, epoch=1))
            losses.append(float(info["Loss"]))
            report.check(f"training {name}", np.isfinite(losses[-1]), f"loss {losses[-1]}")
            if len(losses) == steps:
                break
    report.note(f"training {name}", f"{steps} steps, loss {losses[0]:.3f} to {losses[-1]:.3f}")


def dataset_info():
    """robomimic's own get_dataset_info, which also insists on actions within [-1, 1]."""
    import runpy

    before, sys.argv = sys.argv, ["get_dataset_info", "--dataset", str(ARGS.export)]
    try:
        quiet(lambda: runpy.run_path(INFO_SCRIPT, run_name="__main__"))
    finally:
        sys.argv = before


def main() -> int:
    versions = {p: version(p) for p in ("robomimic", "h5py", "torch", "numpy")}
    report = Report(f"robomimic {versions['robomimic']}", versions)
    expected = Expected(ARGS.expected)
    stored = {}  # path in a demo: dimensions, of the first demo
    with h5py.File(ARGS.export, "r") as file:
        found = report.attempt("file", lambda: check_file(report, file, expected))
        if found is None:
            return report.finish(ARGS.json)
        demos, masks = found
        file["data"][demos[0]].visititems(lambda path, node: stored.update({path: node.ndim}) if isinstance(node, h5py.Dataset) else None)
    report.attempt("get_dataset_info", dataset_info)
    report.check("get_dataset_info", True)
    low_dim = [p[4:] for p, dimensions in stored.items() if p.startswith("obs/") and dimensions < 4]
    rgb = [p[4:] for p, dimensions in stored.items() if p.startswith("obs/") and dimensions == 4]
    quiet(lambda: ObsUtils.initialize_obs_utils_with_obs_specs([{"obs": {"low_dim": low_dim, "rgb": rgb}}]))
    report.attempt("rows", lambda: check_rows(report, stored, demos, expected))
    report.attempt("sequences", lambda: check_sequences(report, low_dim, demos, expected, masks))
    extra = {path_of(k, stored) for k in expected.features} - {f"obs/{k}" for k in low_dim} - {"actions"}
    for gmm in (False, True) if ARGS.train else ():
        report.attempt("training", lambda gmm=gmm: train(report, low_dim, extra, ARGS.train, gmm))
    return report.finish(ARGS.json)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("export", type=Path, help="the exported .hdf5 file")
    parser.add_argument("expected", type=Path, help="EXPECTED.jsonl, written from the source recordings")
    parser.add_argument("--train", type=int, default=0, metavar="STEPS", help="training steps of stock BC and BC-GMM")
    parser.add_argument("--map", type=lambda s: tuple(s.split("=", 1)), action="append", default=[], metavar="COLUMN=PATH", help="where a column stands in a demo, if named otherwise")
    parser.add_argument("--images", type=Path, metavar="DIR", help="where the source pictures are, else beside EXPECTED.jsonl")
    parser.add_argument("--min-psnr", type=float, default=38.0, metavar="DB", help="least PSNR of a frame (38: no codec between)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    ARGS = parser.parse_args()
    ARGS.map = dict(ARGS.map)
    sys.exit(main())

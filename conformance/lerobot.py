"""Has stock LeRobot judge an exported LeRobotDataset v3.0. See README.md."""

import argparse
import atexit
import os
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from common import Expected, Pictures, Report, number, same

sys.path.pop(0)  # this folder: the names of these scripts hide the packages they judge
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_CACHE"] = tempfile.mkdtemp(prefix="conformance-cache-")
atexit.register(shutil.rmtree, os.environ["HF_DATASETS_CACHE"], ignore_errors=True)
os.environ.setdefault("SVT_LOG", "1")

import av  # noqa: E402
import datasets  # noqa: E402
import torch  # noqa: E402
from lerobot.configs.types import FeatureType  # noqa: E402
from lerobot.datasets import video_utils  # noqa: E402
from lerobot.datasets.aggregate import aggregate_datasets  # noqa: E402
from lerobot.datasets.factory import resolve_delta_timestamps  # noqa: E402
from lerobot.datasets.lerobot_dataset import LeRobotDataset  # noqa: E402
from lerobot.datasets.utils import DEFAULT_FEATURES, cycle, dataset_to_policy_features  # noqa: E402
from lerobot.policies.act.configuration_act import ACTConfig  # noqa: E402
from lerobot.policies.factory import make_policy, make_pre_post_processors  # noqa: E402
from lerobot.utils.rabc import RABCWeights  # noqa: E402

datasets.disable_progress_bars()
av.logging.set_level(av.logging.ERROR)


def load(root, **kwargs) -> LeRobotDataset:
    return LeRobotDataset("local/export", root=root, video_backend=ARGS.video_backend, **kwargs)


def own_columns(dataset) -> list:
    return [k for k in dataset.features if k not in DEFAULT_FEATURES and k not in dataset.meta.camera_keys]


def is_policy_column(key: str) -> bool:
    return key.startswith(("observation", "action"))


def picture(item) -> np.ndarray:
    return (item.numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8)


def check_meta(report, dataset, expected, wanted):
    meta = dataset.meta
    report.check("fps", meta.fps == expected.fps, f"{meta.fps}, expected {expected.fps}")
    report.check("columns", set(own_columns(dataset)) == set(wanted), f"{sorted(set(own_columns(dataset)) ^ set(wanted))}")
    report.check("rows", len(dataset) == expected.total, f"len(dataset) {len(dataset)}, expected {expected.total}")
    stored = dataset.hf_dataset.num_rows
    report.check("rows", stored == expected.total, f"{stored} rows stored, expected {expected.total}")
    episodes = len(expected.episodes)
    report.check("episodes", meta.total_episodes == len(meta.episodes) == episodes, f"{meta.total_episodes} in info, {len(meta.episodes)} stored, expected {episodes}")
    report.check("tasks", meta.total_tasks == len(meta.tasks) == len({e["task"] for e in expected.episodes}), f"{meta.total_tasks} in info, {len(meta.tasks)} stored")
    start, in_file = 0, {}
    for i, (got, want) in enumerate(zip(meta.episodes, expected.episodes, strict=False)):
        end = start + want["length"]
        place = (i, want["length"], start, end)
        found = (got["episode_index"], got["length"], got["dataset_from_index"], got["dataset_to_index"])
        report.check("episodes", found == place, f"episode {i}: index, length, from, to are {found}, expected {place}")
        report.check("episode task", got["tasks"] == [want["task"]], f"episode {i}: {got['tasks']}, expected {want['task']!r}")
        for name, value in want["columns"].items():
            report.check("episode columns", name in got and got[name] == value, f"episode {i} {name}: {got.get(name, 'absent')!r}, expected {value!r}")
        for camera in meta.video_keys:
            file = meta.get_video_file_path(i, camera)
            before = in_file.get(file, 0)
            in_file[file] = before + want["length"]
            span = tuple(got[f"videos/{camera}/{edge}_timestamp"] for edge in ("from", "to"))
            due = (before / meta.fps, in_file[file] / meta.fps)
            report.check("episode spans in video", np.allclose(span, due, rtol=0, atol=1e-6), f"episode {i} {camera}: {span}, expected {due}")
        start = end
    for file, rows in in_file.items():
        with av.open(str(meta.root / file)) as container:
            frames = sum(1 for packet in container.demux(video=0) if packet.size)
            stream = container.streams.video[0]
            seconds = float(stream.duration * stream.time_base)
        report.check("video frames are rows", frames == rows, f"{file}: {frames} frames, {rows} rows")
        report.check("video frames are rows", abs(seconds - rows / meta.fps) < 1e-4, f"{file}: {seconds} s, {rows} rows")


def check_loader(report, dataset):
    """Before any other read: a worker which inherits an open decoder reads garbage."""
    for workers in (2, 0):
        loader = torch.utils.data.DataLoader(dataset, batch_size=4, shuffle=True, num_workers=workers)
        for _, batch in zip(range(3), loader, strict=False):
            short = [k for k, v in batch.items() if len(v) != min(4, len(dataset))]
            report.check("DataLoader", not short, f"{workers} workers: {short} short")
            for camera in dataset.meta.camera_keys:
                report.check("DataLoader", batch[camera].dtype == torch.float32 and batch[camera].shape[1] == 3, f"{camera} {batch[camera].shape}")


def check_rows(report, dataset, expected, wanted):
    cameras = {c: Pictures(report, c, ARGS.images or expected.path.parent, ARGS.min_psnr) for c in dataset.meta.camera_keys}
    actions, kept = [], {k: [] for k in wanted}
    rows, i = expected.rows(), 0
    for e, episode in enumerate(expected.episodes):
        block = [row for _, row in zip(range(episode["length"]), rows, strict=False)]
        for camera, judge in cameras.items():
            judge.start_episode([row.get("images", {}).get(camera) for row in block])
        for f, row in enumerate(block):
            where = f"episode {e} frame {f}"
            if (row["episode"], row["frame"]) != (e, f) or set(row["values"]) != set(expected.features):
                raise SystemExit(f"{expected.path}: row {i + 2} is not {where} with every feature")
            item = report.attempt("read rows", lambda i=i: dataset[i])
            i += 1
            if item is None:
                continue
            report.check("read rows", True)
            place = (int(item["episode_index"]), int(item["frame_index"]), int(item["index"]))
            report.check("row order", place == (e, f, i - 1), f"{where}: episode, frame, index are {place}")
            at = item["timestamp"].item()
            report.check("timestamp", at == np.float32(f / expected.fps), f"{where}: {at}")
            report.check("task", item["task"] == row["task"], f"{where}: {item['task']!r}, expected {row['task']!r}")
            for key in wanted:
                got = item.get(key)
                ok = got is not None and same(got, row["values"][key])
                report.check(f"column {key}", ok, f"{where}: {got}, expected {row['values'][key]}")
                kept[key].append(number(row["values"][key], np.float64))
            for camera, judge in cameras.items():
                judge.frame(f, picture(item[camera]), where)
            actions.append(number(row["values"]["action"], np.float32))
        for judge in cameras.values():
            judge.end_episode(f"episode {e}")
    for judge in cameras.values():
        judge.finish()
    return actions, kept


def check_stats(report, dataset, kept):
    """Against the expectation. Skipped where LeRobot's own writer wraps: std of large integers."""
    # A column with NaN among its values, such as what a policy did not propose, has no statistics.
    whole = [k for k in kept if not (kept[k] and np.isnan(np.stack(kept[k])).any())]
    stats = report.attempt("statistics", lambda: {k: dataset.meta.stats[k] for k in whole}) or {}
    for key, columns in kept.items():
        if key not in stats or not columns:
            continue
        values = np.stack(columns)
        scale = np.maximum(np.abs(values).max(0), 1e-6)
        wraps = ARGS.own_writer and np.abs(values).max() > 2**31
        for name in ("min", "max", "mean", "std"):
            want = getattr(values, name)(axis=0)
            got = np.asarray(stats[key][name], dtype=np.float64).reshape(-1)
            ok = got.shape == want.shape and np.all(np.abs(got - want) <= 1e-5 * scale)
            report.check("statistics", ok or (wraps and name == "std"), f"{key} {name}: {got}, expected {want}")
        count = np.asarray(stats[key]["count"])
        report.check("statistics", count.shape == (1,) and count[0] == len(values), f"{key} count {count}")


def check_picture_stats(report, dataset):
    """Mean and spread of about 50 decoded frames, thinned. LeRobot 0.4.4's own std wraps in uint8."""
    step = max(1, len(dataset) // 50)
    for camera in dataset.meta.camera_keys:
        pixels = np.stack([dataset[i][camera].numpy()[:, ::4, ::4] for i in range(0, len(dataset), step)])
        for name in ("mean",) if ARGS.own_writer else ("mean", "std"):
            got = dataset.meta.stats[camera][name]
            want = getattr(pixels, name)(axis=(0, 2, 3)).reshape(3, 1, 1)
            ok = got.shape == want.shape and np.all(np.abs(got - want) < 0.03)
            report.check("picture statistics", ok, f"{camera} {name} {got.ravel()}, expected near {want.ravel()}")


def check_windows(report, root, expected, actions):
    """delta_timestamps: a chunk of actions ahead and the camera one row back, at the ends and in the middle."""
    fps, ahead = expected.fps, 8
    plain = load(root)
    asked = {"action": [k / fps for k in range(ahead)]}
    asked |= {camera: [-1 / fps, 0.0] for camera in plain.meta.camera_keys}
    windows = load(root, delta_timestamps=asked)
    start = 0
    for e, episode in enumerate(expected.episodes[:10]):
        end = start + episode["length"]
        for i in sorted({start, min(start + 1, end - 1), (start + end) // 2, end - 1}):
            item = windows[i]
            want = np.stack([actions[min(i + k, end - 1)] for k in range(ahead)])
            padded = [i + k >= end for k in range(ahead)]
            report.check("delta_timestamps", np.array_equal(item["action"].numpy().reshape(want.shape), want), f"row {i}: actions ahead differ")
            report.check("delta_timestamps", item["action_is_pad"].tolist() == padded, f"row {i}: padding {item['action_is_pad'].tolist()}")
            for camera in plain.meta.camera_keys:
                pair = torch.stack([plain[max(i - 1, start)][camera], plain[i][camera]])
                report.check("delta_timestamps", torch.equal(item[camera], pair), f"row {i}: {camera} one row back differs")
        start = end


def train(report, root, dataset, steps):
    """Stock ACT, small, on the CPU, fed as lerobot-train feeds it."""
    config = ACTConfig(
        device="cpu", push_to_hub=False, pretrained_backbone_weights=None,
        chunk_size=8, n_action_steps=8, dim_model=32, n_heads=2, dim_feedforward=64,
        n_encoder_layers=1, n_vae_encoder_layers=1, latent_dim=4,
    )  # fmt: skip
    torch.manual_seed(0)
    policy = make_policy(config, ds_meta=dataset.meta)
    features = dataset_to_policy_features(dataset.features)
    inputs, outputs = set(policy.config.input_features), set(policy.config.output_features)
    extra = {k for k in own_columns(dataset) if not is_policy_column(k)}
    report.check("policy inputs", not (inputs | outputs) & extra and outputs == {"action"}, f"inputs {sorted(inputs)}, outputs {sorted(outputs)}")
    report.check("policy inputs", all(k in inputs for k, f in features.items() if f.type is not FeatureType.ACTION), f"inputs {sorted(inputs)}")
    report.note("policy inputs", f"{sorted(inputs)} -> {sorted(outputs)}")
    prepare, _ = make_pre_post_processors(config, dataset_stats=dataset.meta.stats)
    windows = load(root, delta_timestamps=resolve_delta_timestamps(config, dataset.meta))
    batches = cycle(torch.utils.data.DataLoader(windows, batch_size=2, shuffle=True))
    optimizer = config.get_optimizer_preset().build(policy.get_optim_params())
    losses = []
    policy.train()
    for _ in range(steps):
        loss, _ = policy.forward(prepare(next(batches)))
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), 10.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        report.check("training", np.isfinite(losses[-1]) and bool(torch.isfinite(norm)), f"loss {losses[-1]}, gradient {norm}")
    report.note("training", f"{steps} steps, loss {losses[0]:.3f} to {losses[-1]:.3f}")
    batch = next(batches)
    policy.eval()
    # ACT predicts from its inputs alone: with the extra columns changed the prediction is the same.
    changed = {k: (torch.zeros_like(v) if k in extra and torch.is_tensor(v) else v) for k, v in batch.items()}
    first, second = (policy.predict_action_chunk(prepare(b)) for b in (dict(batch), changed))
    report.check("policy inputs", torch.equal(first, second), "the prediction changes with an extra column")


def make_plain(like, root):
    """Two short episodes by LeRobot's own writer, with the columns of `like`."""
    codec = {"av1": "libsvtav1"}
    info = next((like.features[c]["info"] for c in like.meta.video_keys), {})
    features = {k: {n: v for n, v in f.items() if n != "info"} for k, f in like.features.items() if k not in DEFAULT_FEATURES}
    vcodec = codec.get(info.get("video.codec"), info.get("video.codec", "h264"))
    plain = LeRobotDataset.create("local/plain", like.fps, features, root=root, robot_type=like.meta.robot_type, vcodec=vcodec)
    random = np.random.default_rng(1)
    for task in ("a task of its own", like.meta.tasks.index[0]):
        for i in range(20):
            frame = {"task": task}
            for key, f in features.items():
                if f["dtype"] in ("video", "image"):
                    frame[key] = np.full(f["shape"], 40 + 8 * i, dtype=np.uint8)
                else:
                    frame[key] = random.standard_normal(f["shape"]).astype(f["dtype"])
            plain.add_frame(frame)
        plain.save_episode()
    plain.finalize()


def check_merge(report, root, plain_root):
    if not plain_root.exists():
        make_plain(load(root), plain_root)
    for name, roots in (("ours first", [root, plain_root]), ("ours last", [plain_root, root])):
        merged_root = Path(tempfile.mkdtemp(prefix="conformance-merge-")) / "merged"
        try:
            aggregate_datasets(["local/a", "local/b"], "local/merged", roots=roots, aggr_root=merged_root)
            video_utils._default_decoder_cache.clear()
            parts, merged = [load(r) for r in roots], load(merged_root)
            report.check(f"merge, {name}", len(merged) == sum(map(len, parts)), f"{len(merged)} rows")
            i = 0
            for part in parts:
                for j in range(len(part)):
                    want, got = part[j], merged[i]
                    wrong = [
                        k for k in want
                        if k not in ("index", "episode_index", "task_index")
                        and (k not in got or not (got[k] == want[k] if isinstance(want[k], str) else torch.equal(got[k], want[k])))
                    ]  # fmt: skip
                    report.check(f"merge, {name}", not wrong, f"row {i}: {wrong} differ from before the merge")
                    i += 1
            have = set(parts[roots.index(root)].meta.episodes.column_names)
            report.check(f"merge, {name}", have <= set(merged.meta.episodes.column_names), "an episode column is lost")
        except Exception as error:  # noqa: BLE001
            report.check(f"merge, {name}", False, f"{type(error).__name__}: {error}")
        finally:
            shutil.rmtree(merged_root.parent)


def check_rabc(report, root, expected, chunk):
    """The weights that LeRobot's own weighted training takes from the side file, for all rows as one batch."""
    want = np.array([number(row["values"]["weight"], np.float32)[0] for row in expected.rows()])
    want = want / want.max()
    provider = RABCWeights(root / "sarm_progress.parquet", chunk_size=chunk, device=torch.device("cpu"))
    got, stats = provider.compute_batch_weights({"index": torch.arange(len(want))})
    scaled = want * len(want) / (want.sum() + provider.epsilon)
    worst = float(np.abs(got.numpy() - scaled).max())
    report.check("weighted training", worst < 1e-3 * scaled.max(), f"a weight is {worst} off")
    report.check("weighted training", stats["num_zero_weight"] == int((want == 0).sum()), f"{stats}, {int((want == 0).sum())} should weigh nothing")
    report.note("weighted training", f"{len(want)} rows, {stats['num_zero_weight']} of no weight, worst {worst:.1e} off")


def main() -> int:
    versions = {p: version(p) for p in ("lerobot", "torch", "torchcodec", "av", "datasets", "pyarrow", "pandas", "numpy")}
    report = Report(f"lerobot {versions['lerobot']}", versions)
    expected = Expected(ARGS.expected)
    wanted = [k for k in expected.features if is_policy_column(k) or not ARGS.twin]
    dataset = report.attempt("load", lambda: load(ARGS.export))
    if dataset is not None:
        report.check("load", True)
        report.attempt("metadata", lambda: check_meta(report, dataset, expected, wanted))
        report.attempt("DataLoader", lambda: check_loader(report, dataset))
        actions, kept = check_rows(report, dataset, expected, wanted)
        check_stats(report, dataset, kept)
        report.attempt("picture statistics", lambda: check_picture_stats(report, dataset))
        report.attempt("delta_timestamps", lambda: check_windows(report, ARGS.export, expected, actions))
        if ARGS.train:
            report.attempt("training", lambda: train(report, ARGS.export, dataset, ARGS.train))
        if ARGS.rabc:
            report.attempt("weighted training", lambda: check_rabc(report, ARGS.export, expected, ARGS.rabc))
        if ARGS.merge_with:
            check_merge(report, ARGS.export, ARGS.merge_with)
    return report.finish(ARGS.json)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("export", type=Path, help="folder of the exported dataset")
    parser.add_argument("expected", type=Path, help="EXPECTED.jsonl, written from the source recordings")
    parser.add_argument("--train", type=int, default=0, metavar="STEPS", help="training steps of stock ACT")
    parser.add_argument("--merge-with", type=Path, metavar="DIR", help="a dataset of LeRobot's own to merge with; made there if absent")
    parser.add_argument("--twin", action="store_true", help="the export is the one without extra columns")
    parser.add_argument("--rabc", type=int, default=0, metavar="CHUNK", help="the export has a side file of weights for chunks of so many rows")
    parser.add_argument("--own-writer", action="store_true", help="LeRobot wrote this: overlook the faults of its statistics")
    parser.add_argument("--images", type=Path, metavar="DIR", help="where the source pictures are, else beside EXPECTED.jsonl")
    parser.add_argument("--min-psnr", type=float, default=28.0, metavar="DB", help="least PSNR of a frame (28)")
    parser.add_argument("--video-backend", default="torchcodec", choices=("torchcodec", "pyav"))
    parser.add_argument("--json", type=Path, metavar="FILE")
    ARGS = parser.parse_args()
    sys.exit(main())

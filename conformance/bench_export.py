"""Times LeRobot's own writer on the episodes of an existing dataset: every frame is added again to a new
dataset with the same columns, codec and settings. Reading the source is timed apart. Prints JSON."""

import argparse
import json
import logging
import os
import resource
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

sys.path.pop(0)  # this folder: lerobot.py in it hides the package
os.environ["HF_HUB_OFFLINE"] = "1"
logging.disable(logging.WARNING)

import av  # noqa: E402
import numpy as np  # noqa: E402
from lerobot.datasets.lerobot_dataset import LeRobotDataset  # noqa: E402
from lerobot.datasets.utils import DEFAULT_FEATURES  # noqa: E402

av.logging.set_level(av.logging.ERROR)


def cpu_s() -> float:
    use = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in use)


def frame_of(item: dict, features: dict) -> dict:
    frame = {"task": item["task"]}
    for key, feature in features.items():
        if feature["dtype"] in ("video", "image"):
            frame[key] = (item[key].numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8)
        elif feature["dtype"] == "string":
            frame[key] = item[key]
        else:
            frame[key] = item[key].numpy().astype(feature["dtype"]).reshape(feature["shape"])
    return frame


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--episodes", type=int, help="only the first so many")
    parser.add_argument("--vcodec", default="h264")
    parser.add_argument("--out", help="a folder on the disk to measure")
    args = parser.parse_args()
    source = LeRobotDataset("local/source", root=args.dataset)
    features = {k: {n: v for n, v in f.items() if n != "info"} for k, f in source.features.items() if k not in DEFAULT_FEATURES}
    cameras = source.meta.camera_keys
    with tempfile.TemporaryDirectory(prefix="bench-export-", dir=args.out) as folder:
        copy = LeRobotDataset.create(
            "local/copy", source.fps, features, root=Path(folder) / "data", robot_type=source.meta.robot_type,
            vcodec=args.vcodec, image_writer_threads=4 * len(cameras),
        )  # fmt: skip
        spent, cpu, count = dict.fromkeys(("read", "add_frame", "save_episode", "finalize"), 0.0), 0.0, 0

        def timed(name, action):
            start = time.perf_counter()
            result = action()
            spent[name] += time.perf_counter() - start
            return result

        for episode in list(source.meta.episodes)[: args.episodes]:
            rows = range(episode["dataset_from_index"], episode["dataset_to_index"])
            # A piece at a time, so that an episode of pictures need not fit in memory.
            for first in range(0, len(rows), 100):
                frames = timed("read", lambda r=rows[first : first + 100]: [frame_of(source[i], features) for i in r])
                before = cpu_s()
                for frame in frames:
                    timed("add_frame", lambda frame=frame: copy.add_frame(frame))
                cpu += cpu_s() - before
            count += len(rows)
            before = cpu_s()
            timed("save_episode", copy.save_episode)
            cpu += cpu_s() - before
        before = cpu_s()
        timed("finalize", copy.finalize)
        cpu += cpu_s() - before
        written = sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file())
    writing = sum(v for k, v in spent.items() if k != "read")
    result = {
        "lerobot": version("lerobot"), "cores": os.cpu_count(), "vcodec": args.vcodec, "frames": count,
        "cameras": {c: list(features[c]["shape"]) for c in cameras}, "seconds": spent, "bytes": written,
        "seconds_per_frame": writing / count, "cpu_seconds_per_frame": cpu / count,
    }  # fmt: skip
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

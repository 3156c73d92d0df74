"""How the peers record the same load in real time: Python mcap and LeRobot. See README.md.

Three cameras of 640x480 at 30 Hz and 200 floats at 100 Hz, paced by the clock. Each peer runs in a
process of its own, so that its CPU time and memory are its own and it can be killed."""

import argparse
import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.pop(0)  # this folder: lerobot.py in it hides the package

WIDTH, HEIGHT, FPS, CAMERAS, FLOATS, FLOATS_HZ = 640, 480, 30, 3, 200, 100
LATE_S = 0.005


def pictures() -> list:
    """Four seconds of a camera that wanders over a smooth coloured scene with some grain; made once."""
    from PIL import Image

    random = np.random.default_rng(0)
    scene = np.zeros((HEIGHT + 240, WIDTH + 240, 3), dtype=np.float32)
    for cells, weight in ((6, 0.6), (24, 0.3), (96, 0.1)):
        layer = Image.fromarray(random.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        scene += weight * np.asarray(layer.resize(scene.shape[1::-1], Image.BICUBIC), dtype=np.float32)
    frames, x, y = [], 120.0, 120.0
    for _ in range(4 * FPS):
        x, y = np.clip([x + random.normal(0, 3), y + random.normal(0, 3)], 0, 239)
        view = scene[int(y) : int(y) + HEIGHT, int(x) : int(x) + WIDTH]
        grain = random.integers(-3, 4, view.shape[:2] + (1,))
        frames.append(np.clip(view + grain, 0, 255).astype(np.uint8))
    return frames + frames[::-1]


def jpegs(frames) -> list:
    from PIL import Image

    out = []
    for frame in frames:
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "JPEG", quality=90)
        out.append(buffer.getvalue())
    return out


def pace(seconds: float, streams: dict) -> dict:
    """Calls each stream (name: (Hz, call)) at its due times from one thread, as a control loop would.

    The time a call took is what it held up its caller. A call is late if it begins over 5 ms after it was
    due, and missed if over one whole period after: a live source would have overwritten that value."""
    due = sorted((n / hz, name, n) for name, (hz, _) in streams.items() for n in range(int(seconds * hz)))
    took = {name: [] for name in streams}
    late, missed = dict.fromkeys(streams, 0), dict.fromkeys(streams, 0)
    begin = time.perf_counter()
    for at, name, n in due:
        wait = at - (time.perf_counter() - begin)
        if wait > 0:
            time.sleep(wait)
        hz, call = streams[name]
        start = time.perf_counter()
        late[name] += start - begin - at > LATE_S
        missed[name] += start - begin - at > 1 / hz
        call(n)
        took[name].append(time.perf_counter() - start)
    result = {}
    for name, times in took.items():
        p50, p99 = np.percentile(times, (50, 99))
        result[name] = {
            "calls": len(times), "late": late[name], "missed": missed[name],
            "caller_us": {"p50": p50 * 1e6, "p99": p99 * 1e6, "max": max(times) * 1e6},
        }  # fmt: skip
    return result


def cpu_s() -> float:
    use = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in use)


def size(path: Path) -> int:
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


def record_mcap(out: Path, seconds: float) -> dict:
    from mcap.writer import CompressionType, Writer

    frames = jpegs(pictures())
    values = np.random.default_rng(1).standard_normal((FLOATS_HZ, FLOATS)).astype("<f4")
    out.mkdir(parents=True)
    before = cpu_s()
    with open(out / "peer.mcap", "wb") as file:
        writer = Writer(file, compression=CompressionType.ZSTD)  # its default, as are its 1 MiB chunks
        writer.start()
        schema = writer.register_schema("raw", "", b"")
        channels = [writer.register_channel(f"camera/{c}", "jpeg", schema) for c in range(CAMERAS)]
        state = writer.register_channel("state", "f32le", schema)

        def camera(n):
            for c, channel in enumerate(channels):
                now = time.time_ns()
                writer.add_message(channel, now, frames[(n + 40 * c) % len(frames)], now)

        def floats(n):
            now = time.time_ns()
            writer.add_message(state, now, values[n % FLOATS_HZ].tobytes(), now)

        print("recording", flush=True)
        result = {"streams": pace(seconds, {"camera": (FPS, camera), "floats": (FLOATS_HZ, floats)})}
        start = time.perf_counter()
        writer.finish()
    result["finish_s"] = time.perf_counter() - start
    return result | {"cpu_s": cpu_s() - before, "bytes": size(out)}


def record_lerobot(out: Path, seconds: float, vcodec: str, episode_s: float, streaming: bool) -> dict:
    """As its docs record: a frame of everything at the camera's rate, 4 image writer threads per camera,
    the video encoded in save_episode (or, with --streaming, while recording). It has no place for floats
    at another rate, so only the latest 200 of them go in, 30 of 100 times a second."""
    import logging

    logging.disable(logging.WARNING)
    import av
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    av.logging.set_level(av.logging.ERROR)
    frames = pictures()
    values = np.random.default_rng(1).standard_normal((FLOATS_HZ, FLOATS)).astype(np.float32)
    picture = {"dtype": "video", "shape": (HEIGHT, WIDTH, 3), "names": ["height", "width", "channels"]}
    features = {f"observation.images.cam{c}": picture for c in range(CAMERAS)}
    features["observation.state"] = {"dtype": "float32", "shape": (FLOATS,), "names": None}
    dataset = LeRobotDataset.create(
        "local/peer", FPS, features, root=out, vcodec=vcodec, streaming_encoding=streaming,
        image_writer_threads=0 if streaming else 4 * CAMERAS,
    )  # fmt: skip
    before, result, saves, bytes_unsaved, pngs_behind = cpu_s(), {"streams": {}}, [], [], []

    def frame(n):
        shots = {f"observation.images.cam{c}": frames[(n + 40 * c) % len(frames)] for c in range(CAMERAS)}
        dataset.add_frame({**shots, "observation.state": values[n % FLOATS_HZ], "task": "wander"})

    print("recording", flush=True)
    left, runs = seconds, []
    while left > 1e-9:
        runs.append(pace(min(episode_s, left), {"frame": (FPS, frame)})["frame"])
        left -= episode_s
        bytes_unsaved.append(size(out))
        if not streaming:
            pngs_behind.append(CAMERAS * runs[-1]["calls"] - len(list(out.rglob("*.png"))))
        start = time.perf_counter()
        dataset.save_episode()
        saves.append(time.perf_counter() - start)
        print("saved", flush=True)
    start = time.perf_counter()
    dataset.finalize()
    result["finish_s"] = time.perf_counter() - start
    worst = max(runs, key=lambda r: r["caller_us"]["p99"])
    result["streams"]["frame"] = {**worst, **{k: sum(r[k] for r in runs) for k in ("calls", "late", "missed")}}
    kept = len(LeRobotDataset("local/peer", root=out))
    videos = [av.open(str(f)) for f in sorted(out.glob("videos/*/*/*.mp4"))]
    pictures_kept = sum(v.streams.video[0].frames for v in videos)
    return result | {
        "save_episode_s": saves, "bytes_before_save": bytes_unsaved, "pictures_not_yet_on_disk": pngs_behind, "rows_kept": kept,
        "pictures_lost": CAMERAS * result["streams"]["frame"]["calls"] - pictures_kept,
        "cpu_s": cpu_s() - before, "bytes": size(out),
    }  # fmt: skip


def left_of_mcap(out: Path) -> dict:
    from mcap.reader import NonSeekingReader, make_reader

    path, counts = out / "peer.mcap", {}
    try:
        with open(path, "rb") as file:
            sum(1 for _ in make_reader(file).iter_messages())
        opens = "yes"
    except Exception as error:  # noqa: BLE001
        opens = f"{type(error).__name__}: {error}"
    try:
        with open(path, "rb") as file:
            for _, channel, _ in NonSeekingReader(file).iter_messages(log_time_order=False):
                counts[channel.topic] = counts.get(channel.topic, 0) + 1
        end = "clean"
    except Exception as error:  # noqa: BLE001
        end = f"{type(error).__name__}: {error}"
    return {"stock_reader": opens, "messages_read_in_sequence": counts, "read_ended": end}


def left_of_lerobot(out: Path) -> dict:
    os.environ["HF_HUB_OFFLINE"] = "1"
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    try:
        rows, opens = len(LeRobotDataset("local/peer", root=out)), "yes"
    except Exception as error:  # noqa: BLE001
        rows, opens = 0, f"{type(error).__name__}: {str(error).splitlines()[0]}"
    stray = {kind: len(list(out.rglob(f"*.{kind}"))) for kind in ("png", "mp4", "parquet")}
    return {"stock_loader": opens, "rows_loadable": rows, "files": stray}


def run(peer: str, args) -> dict:
    folder = Path(tempfile.mkdtemp(prefix="bench-peers-", dir=args.out))
    command = [sys.executable, __file__, "--peer-process", peer, "--out", folder, "--seconds", args.seconds]
    command += ["--vcodec", args.vcodec, "--episode-seconds", args.episode_seconds or args.seconds]
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if args.kill_after:
            while "recording" not in (child.stdout.readline() or "recording"):
                pass
            time.sleep(args.kill_after)
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            fed = {"seconds_fed": args.kill_after, "bytes_left": size(folder)}
            left = left_of_mcap if peer == "mcap" else left_of_lerobot
            return {"peer": peer, "killed": True, **fed, **left(folder / "data")}
        out, err = child.communicate()
        if child.returncode:
            return {"peer": peer, "error": err.strip().splitlines()[-1:]}
        result = json.loads(out.strip().splitlines()[-1])
        frames = int(args.seconds * FPS)
        result["cpu_ms_per_frame_of_3_cameras"] = 1000 * result["cpu_s"] / frames
        result["bytes_per_minute"] = result["bytes"] * 60 / args.seconds
        return {"peer": peer, **result}
    finally:
        child.stdout.close()
        child.stderr.close()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    peers = ("mcap", "lerobot", "lerobot-streaming")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kill-after", type=float, metavar="S", help="kill -9 S seconds after recording began")
    parser.add_argument("--episode-seconds", type=float, metavar="S", help="LeRobot: save_episode this often")
    parser.add_argument("--vcodec", default="libsvtav1", help="LeRobot's video codec (its default)")
    parser.add_argument("--peers", nargs="+", default=list(peers), choices=peers)
    parser.add_argument("--out", help="a folder on the disk to measure, for the recordings")
    parser.add_argument("--peer-process", choices=peers, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer_process is None:
        results = {"seconds": args.seconds, "cores": os.cpu_count(), "peers": [run(p, args) for p in args.peers]}
        print(json.dumps(results, indent=1))
        return
    out = Path(args.out) / "data"
    if args.peer_process == "mcap":
        result = record_mcap(out, args.seconds)
    else:
        streaming = args.peer_process == "lerobot-streaming"
        result = record_lerobot(out, args.seconds, args.vcodec, args.episode_seconds, streaming)
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

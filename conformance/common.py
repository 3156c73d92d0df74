"""What both checks share: the expectation file, the report, and the comparison of pictures."""

import functools
import json
import math
from pathlib import Path

import numpy as np
from PIL import Image

FLAT_DB = 36.0  # two source frames nearer than this are not told apart one by one
REACH = 10  # how far a differing source frame is looked for, in rows
# Grain is coded badly, so a frame is about as far from any picture of a still scene: less than this is no sign.
CLEARLY, CLEARLY_SUMMED = 0.9, 0.97


class Report:
    """Named checks. A check fails at its first wrong thing and counts the others."""

    def __init__(self, tool: str, versions: dict):
        self.tool, self.versions, self.checks = tool, versions, {}

    def check(self, name: str, ok: bool, detail=""):
        entry = self.checks.setdefault(name, {"ok": True, "tried": 0, "wrong": 0, "detail": ""})
        entry["tried"] += 1
        if not ok:
            entry["wrong"] += 1
            if entry["ok"]:
                entry["ok"], entry["detail"] = False, str(detail)[:500]
        return bool(ok)

    def note(self, name: str, detail):
        """A figure which goes with a check that has not failed."""
        entry = self.checks.setdefault(name, {"ok": True, "tried": 0, "wrong": 0, "detail": ""})
        if entry["ok"]:
            entry["detail"] = detail if isinstance(detail, (int, float)) else str(detail)[:500]

    def attempt(self, name: str, action):
        """Runs `action`; an exception fails the check, since a stock tool that raises has refused."""
        try:
            return action()
        except Exception as error:  # noqa: BLE001
            because = f" because {type(error.__cause__).__name__}: {error.__cause__}" if error.__cause__ else ""
            self.check(name, False, f"{type(error).__name__}: {error}{because}")
            return None

    def finish(self, json_path) -> int:
        ok = bool(self.checks) and all(c["ok"] for c in self.checks.values())
        for name, c in self.checks.items():
            mark = "ok  " if c["ok"] else "FAIL"
            count = f"{c['tried'] - c['wrong']}/{c['tried']}" if c["tried"] else ""
            print(f"{mark} {name:32} {count:>14}  {c['detail']}")
        print(f"{self.tool}: {'every check held' if ok else 'FAILED'}")
        if json_path:
            result = {"tool": self.tool, "versions": self.versions, "ok": ok, "checks": self.checks}
            Path(json_path).write_text(json.dumps(result, indent=1) + "\n")
        return 0 if ok else 1


class Expected:
    """The header and, on each call of `rows`, the rows of the expectation file."""

    def __init__(self, path):
        self.path = Path(path)
        with open(self.path) as lines:
            self.header = json.loads(next(lines))
        if self.header["format"] != 1:
            raise SystemExit(f"{path}: format {self.header['format']} is not known, only 1")
        self.fps, self.episodes = self.header["fps"], self.header["episodes"]
        self.features = list(self.header["features"])
        self.total = sum(e["length"] for e in self.episodes)

    def rows(self):
        with open(self.path) as lines:
            next(lines)
            for line in lines:
                yield json.loads(line)


def number(value, dtype) -> np.ndarray:
    """A JSON value as the column's type. JSON has no NaN, so null stands for it in a float column."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        array = np.array(value, dtype=np.float64)  # None becomes NaN
        return array.astype(dtype).reshape(-1)
    return np.array(value, dtype=dtype).reshape(-1)


def same(got, value) -> bool:
    got = np.asarray(got)
    want = number(value, got.dtype)
    return got.size == want.size and np.array_equal(got.reshape(-1), want, equal_nan=got.dtype.kind == "f")


def psnr(mse: float) -> float:
    return 99.0 if mse <= 1e-9 else 20 * math.log10(255) - 10 * math.log10(mse)


def mse(a: np.ndarray, b: np.ndarray) -> float:
    d = a.astype(np.float32) - b.astype(np.float32)
    return float(np.mean(d * d))


class Pictures:
    """Judges exported frames of one camera against their source JPEGs, row by row.

    A frame must be near its own source (PSNR), and not clearly nearer to the nearest source frame before
    or after which differs from it. Over a whole episode the sum of squared errors must not be clearly less
    with a shift, which also notices one where each single step of the camera is too small to see.
    """

    def __init__(self, report: Report, camera: str, folder: Path, min_psnr: float):
        self.report, self.camera, self.folder, self.min_psnr = report, camera, folder, min_psnr
        self.worst, self.compared, self.without = 99.0, 0, 0
        self.load = functools.lru_cache(maxsize=4 * REACH)(self._load)

    def _load(self, name: str) -> np.ndarray:
        path = self.folder / name
        if not path.exists():
            path = self.folder / f"{name}.jpg"
        return np.asarray(Image.open(path).convert("RGB"))

    def start_episode(self, names: list):
        self.names = names
        self.by_shift = {s: 0.0 for s in (-2, -1, 0, 1, 2)}

    def source(self, i):
        ok = 0 <= i < len(self.names) and self.names[i]
        return self.load(self.names[i]) if ok else None

    def frame(self, i: int, frame: np.ndarray, where: str):
        own = self.source(i)
        if own is None:
            self.without += 1
            return
        name = f"picture {self.camera}"
        if not self.report.check(name, frame.shape == own.shape, f"{where}: {frame.shape}, source {own.shape}"):
            return
        step = max(1, own.shape[0] // 160)
        frame, own = frame[::step, ::step], own[::step, ::step]
        error = mse(frame, own)
        self.worst = min(self.worst, psnr(error))
        self.compared += 1
        self.report.check(name, psnr(error) >= self.min_psnr, f"{where}: {psnr(error):.1f} dB < {self.min_psnr}")
        for direction in (-1, 1):
            for distance in range(1, REACH + 1):
                other = self.source(i + direction * distance)
                if other is None:
                    break
                other = other[::step, ::step]
                if psnr(mse(own, other)) < FLAT_DB:
                    nearer = mse(frame, other)
                    self.report.check(
                        f"own picture {self.camera}",
                        nearer > CLEARLY * error,
                        f"{where}: {psnr(error):.1f} dB to its own source, {psnr(nearer):.1f} dB to the one "
                        f"{direction * distance:+d} rows away",
                    )
                    break
        for shift in self.by_shift:
            other = self.source(i + shift)
            if other is None:  # at the ends: as far off as the frame itself, so no shift gains by it
                self.by_shift[shift] += error
                continue
            other = other[::step, ::step]
            self.by_shift[shift] += mse(frame, other)

    def end_episode(self, where: str):
        best = min(self.by_shift, key=self.by_shift.get)
        ok = self.by_shift[best] >= CLEARLY_SUMMED * self.by_shift[0]
        self.report.check(f"shift {self.camera}", ok, f"{where}: the pictures fit best {best:+d} rows away")

    def finish(self):
        self.report.check(f"picture {self.camera}", self.compared > 0, "no frame has a source picture")
        self.report.note(f"picture {self.camera}", f"worst {self.worst:.1f} dB, {self.without} without source")

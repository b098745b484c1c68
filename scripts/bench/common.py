"""What the Python peers share: CIFAR-10 in memory, arguments, the line of JSON that each prints.

A peer is one process that does one row once, and needs requirements.txt:

    python FILE.py ROW PROGRAM --data-dir DIR [--limit-train N] [--limit-test N] ...
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLASSES = 10
RECORD = 1 + 3 * 32 * 32
BATCH_RECORDS = 10_000
TRAIN_FILES = [f"data_batch_{number}.bin" for number in range(1, 6)]
TEST_FILES = ["test_batch.bin"]
PLACE = "cifar-10-batches-bin"


@dataclass(frozen=True)
class Images:
    """Images, u8 [n, 3, 32, 32], and their labels, int64 [n]."""

    pixels: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Measurement:
    """What a program reports."""

    seconds: float
    #: Shows that the work was done right: an accuracy, a loss or a mean.
    check: float
    threads: int


@dataclass(frozen=True)
class Options:
    """What a program is asked for."""

    folder: Path
    limit_train: int | None
    limit_test: int | None
    queries: int
    batch: int | None
    seed: int

    def train(self) -> Images:
        """The training images, the first `limit_train` of them."""
        return read(self.folder, TRAIN_FILES, self.limit_train)

    def test(self) -> Images:
        """The test images, the first `limit_test` of them."""
        return read(self.folder, TEST_FILES, self.limit_test)


#: By row, then by name.
Programs = dict[str, dict[str, Callable[[Options], Measurement]]]


def read(folder: Path, files: list[str], limit: int | None) -> Images:
    """Reads the first `limit` images of batch files, each straight into its place."""
    count = min(limit or len(files) * BATCH_RECORDS, len(files) * BATCH_RECORDS)
    pixels = np.empty((count, 3, 32, 32), np.uint8)
    labels = np.empty(count, np.int64)
    for first, file in zip(range(0, count, BATCH_RECORDS), files):
        records = np.fromfile(folder / file, np.uint8).reshape(-1, RECORD)[:count - first]
        pixels[first:first + len(records)] = records[:, 1:].reshape(-1, 3, 32, 32)
        labels[first:first + len(records)] = records[:, 0]
    return Images(pixels, labels)


def peak_bytes() -> int:
    """The most memory that this process has held."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def main(programs: Programs) -> None:
    """Does the row that the command line names, and prints what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("row", choices=programs)
    parser.add_argument("program", help="one of the row's programs")
    parser.add_argument("--data-dir", type=Path, required=True, help=f"{PLACE}, or its parent")
    parser.add_argument("--limit-train", type=int)
    parser.add_argument("--limit-test", type=int)
    parser.add_argument("--queries", type=int, default=100, help="how many, if a few are measured for all")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    if given.program not in programs[given.row]:
        names = ", ".join(programs[given.row])
        parser.error(f"{given.row} has no program {given.program!r}; it has {names}")
    folder = next((place for place in [given.data_dir, given.data_dir / PLACE]
                   if (place / TEST_FILES[0]).is_file()), None)
    if folder is None:
        parser.error(f"--data-dir: no CIFAR-10 binary batches in {given.data_dir}; "
                     f"`zoo data fetch cifar10` fetches them")
    options = Options(folder, given.limit_train, given.limit_test, given.queries, given.batch,
                      given.seed)
    measured = programs[given.row][given.program](options)
    print(json.dumps({
        "row": given.row,
        "program": given.program,
        "seconds": measured.seconds,
        "peak_bytes": peak_bytes(),
        "check": measured.check,
        "threads": measured.threads,
    }))

"""CIFAR-10 from its six binary files, in the page cache, into arrays.

The check is the mean training pixel.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import numpy as np

from common import RECORD, TEST_FILES, TRAIN_FILES, Images, Measurement, Options, main


def load(folder: Path, files: list[str]) -> Images:
    """Reads batch files, splits labels from pixels and joins the batches."""
    batches = [np.fromfile(folder / file, np.uint8).reshape(-1, RECORD) for file in files]
    labels = np.concatenate([batch[:, 0] for batch in batches])
    pixels = np.concatenate([batch[:, 1:] for batch in batches])
    return Images(pixels.reshape(-1, 3, 32, 32), labels)


def both(options: Options) -> Measurement:
    """Training and test images."""
    start = perf_counter()
    train, test = load(options.folder, TRAIN_FILES), load(options.folder, TEST_FILES)
    seconds = perf_counter() - start
    assert len(train) == 5 * len(test)
    return Measurement(seconds, train.pixels.sum(dtype=np.uint64) / train.pixels.size, 1)


if __name__ == "__main__":
    main({"load": {"numpy": both}})

"""Writes the golden values of crates/features/tests/scikit_image.rs.

    python3 scripts/golden/features.py data/cifar-10-batches-bin > crates/features/tests/scikit_image.json

It needs scikit-image.

Of the first ten test images of CIFAR-10 there are features and a checksum, no pixels. The other images are drawn here and in
the test by the same formulas in whole numbers.
"""

import json
import sys
from pathlib import Path

import numpy as np
from skimage.color import rgb2hsv
from skimage.feature import hog
from skimage.feature._hoghistogram import hog_histograms

CELL, ORIENTATIONS, HUES = 8, 9, 10

# Of channel c, row y and column x in an image of width w; `n` is the place in the buffer.
FORMULAS = {
    "plain": lambda n, c, y, x: 40 + 90 * c,
    "noise": lambda n, c, y, x: (n * n * 2654435761 >> 16) % 256,
    "ramps": lambda n, c, y, x: (3 * y + 5 * x + 70 * c) % 256,
    "few": lambda n, c, y, x: 50 * ((n * n * 31 + 7 * y + c) % 6),
    "discs": lambda n, c, y, x: (
        30 + 70 * c + 60 * ((y - 12) ** 2 + (x - 15 - c) ** 2 < 90) - 25 * ((y - 20) ** 2 + x**2 < 150)
    ),
}
CASES = [
    ("plain", (3, 16, 16)),
    ("noise", (3, 32, 32)),
    ("noise", (1, 16, 24)),
    ("noise", (4, 16, 16)),
    ("noise", (3, 19, 30)),
    ("noise", (3, 8, 8)),
    ("noise", (3, 5, 7)),
    ("ramps", (3, 24, 32)),
    ("few", (3, 24, 24)),
    ("discs", (3, 32, 32)),
    ("discs", (1, 32, 32)),
]


def draw(formula: str, shape: tuple) -> np.ndarray:
    places = np.arange(np.prod(shape)).reshape(shape)
    return np.broadcast_to(FORMULAS[formula](places, *np.indices(shape)), shape)


def greyscale(image: np.ndarray) -> np.ndarray:
    """Whole numbers until the one division, so that equal brightness is equal."""
    channels = len(image)
    weights = {1: [1000], 3: [299, 587, 114]}.get(channels, [1000 / channels] * channels)
    return np.tensordot(weights, image, 1) / 255_000


def hog_cells(grey: np.ndarray) -> np.ndarray:
    """The histograms inside of scikit-image's `hog`, which returns them normalised only."""
    rows, columns = (side // CELL for side in grey.shape)
    down, across = np.zeros_like(grey), np.zeros_like(grey)
    down[1:-1] = grey[2:] - grey[:-2]
    across[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    cells = np.zeros((rows, columns, ORIENTATIONS))
    hog_histograms(across, down, CELL, CELL, *grey.shape[::-1], columns, rows, ORIENTATIONS, cells)
    return cells


def hog_blocks(grey: np.ndarray) -> np.ndarray:
    """Nothing where scikit-image refuses, below 2 x 2 cells."""
    if min(grey.shape) < 2 * CELL:
        return np.zeros(0)
    return hog(grey, orientations=ORIENTATIONS, pixels_per_cell=(CELL, CELL), cells_per_block=(2, 2), block_norm="L2-Hys")


def hue_histogram(image: np.ndarray) -> np.ndarray:
    """Hues on the edge of two bins belong to the upper one; without the 1e-9, rounding takes some to the lower."""
    if len(image) != 3:
        return np.zeros(0)
    hues = rgb2hsv(image.transpose(1, 2, 0).astype(float))[..., 0]
    return np.histogram(hues + 1e-9, bins=HUES, range=(0, 1))[0] / hues.size


def rounded(values: np.ndarray, digits: int = 7) -> list:
    return [round(value, digits) for value in values.flatten().tolist()]


def features(image: np.ndarray) -> dict:
    grey = greyscale(image)
    return {"cells": rounded(hog_cells(grey)), "blocks": rounded(hog_blocks(grey)), "hues": rounded(hue_histogram(image))}


records = np.fromfile(Path(sys.argv[1]) / "test_batch.bin", np.uint8).reshape(-1, 3073)[:10, 1:]
photographs = records.reshape(-1, 3, 32, 32).astype(int)
drawn = [{"formula": formula, "shape": shape} | features(draw(formula, shape)) for formula, shape in CASES]
cifar10 = [{"checksum": int(image.sum())} | features(image) for image in photographs]
lines = lambda cases: ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
print(f'{{"drawn":[\n{lines(drawn)}\n],"cifar10":[\n{lines(cifar10)}\n]}}')

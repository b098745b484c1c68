"""Writes the golden values of crates/schema/tests/golden.rs.

    python3 scripts/golden/metrics.py > crates/schema/tests/golden/metrics.json

It needs scikit-learn and statsmodels.

Confusion matrices have a row per true class and a column per predicted class. `null` is a figure that does not exist.
"""

import json
import math
import warnings

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    matthews_corrcoef,
    precision_recall_fscore_support,
)
from statsmodels.stats.proportion import proportion_confint

BINS = 15
warnings.simplefilter("ignore")
random = np.random.default_rng(0)


def number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def confusion(counts: list) -> dict:
    """Each cell is one sample with a weight, so that counts may be as large as they like."""
    cells = [(label, prediction, count) for label, row in enumerate(counts) for prediction, count in enumerate(row) if count]
    labels, predictions, weights = zip(*cells)
    weighted = {"sample_weight": np.array(weights, float)}
    precision, recall, f1, _ = precision_recall_fscore_support(labels, predictions, average="macro", zero_division=0, **weighted)
    return {
        "counts": counts,
        "accuracy": float(accuracy_score(labels, predictions, **weighted)),
        "balanced_accuracy": float(balanced_accuracy_score(labels, predictions, **weighted)),
        "matthews_correlation": float(matthews_corrcoef(labels, predictions, **weighted)),
        "cohen_kappa": number(cohen_kappa_score(labels, predictions, **weighted)),
        "macro": [float(precision), float(recall), float(f1)],
    }


def random_counts() -> list:
    """Classes of unequal sizes, some of them without images, some never predicted."""
    classes, images, skill = random.integers(2, 8), random.integers(1, 300), random.random()
    sizes, habits = (random.dirichlet(np.full(classes, 0.7)) for _ in range(2))
    labels = random.choice(classes, images, p=sizes)
    predictions = np.where(random.random(images) < skill, labels, random.choice(classes, images, p=habits))
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, predictions), 1)
    return counts.tolist()


DEGENERATE_COUNTS = [
    [[1]],
    [[7, 0], [0, 0]],  # all of one class, and right
    [[0, 7], [0, 0]],  # all of one class, and wrong
    [[3, 4], [0, 0]],  # all of one class
    [[3, 0], [4, 0]],  # all taken for one class
    [[0, 5], [5, 0]],  # all wrong
    [[0, 5, 0], [0, 0, 5], [5, 0, 0]],
    [[5, 0], [0, 5]],  # all right
    [[5, 0, 0], [0, 9, 0], [0, 0, 1]],
    [[5, 0, 2], [1, 0, 3], [0, 0, 4]],  # a class never predicted
    [[5, 1, 2], [0, 0, 0], [0, 3, 4]],  # a class without images
    [[5, 0, 2], [0, 0, 0], [1, 0, 4]],  # a class that is not there at all
    [[0, 0, 0, 0], [0, 2, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]],
    [[25, 25], [25, 25]],  # as if by chance
    [[999_999, 1], [0, 1]],
    [[3_000_000_000, 1_000_000_000], [2_000_000_000, 5_000_000_000]],
]


def calibration(confidences: np.ndarray, right: np.ndarray) -> dict:
    confidences = confidences.astype(np.float32)
    exact = confidences.astype(float)
    accuracy, confidence = calibration_curve(right, exact, n_bins=BINS, pos_label=1)
    # The number of images of each bin, empty ones left out as above.
    images = np.bincount(np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], exact), minlength=BINS)
    images = images[images > 0]
    return {
        "confidences": [float(str(value)) for value in confidences],
        "right": "".join(str(int(value)) for value in right),
        "expected_calibration_error": float(np.average(np.abs(accuracy - confidence), weights=images)),
        "bins": [list(bin) for bin in zip(images.tolist(), confidence.tolist(), accuracy.tolist())],
    }


def random_calibration() -> dict:
    images = random.integers(1, 60)
    confidences = random.beta(*random.uniform(0.3, 4, 2), images)
    return calibration(confidences, random.random(images) < confidences ** random.uniform(0.3, 3))


def calibrations() -> list:
    edges = np.linspace(0, 1, BINS + 1)
    nearby = np.concatenate([np.nextafter(edges[1:].astype(np.float32), np.float32(0)), edges])
    degenerate = [
        ([0.7], [1]),
        ([0.7], [0]),
        ([1, 1, 1], [1, 1, 1]),
        ([1, 1, 1], [0, 0, 0]),
        ([0, 0, 1], [0, 1, 1]),
        (edges, np.arange(len(edges)) % 2),
        (nearby, np.arange(len(nearby)) % 3 == 0),
        (np.full(40, 0.5), np.arange(40) % 2),
    ]
    return [calibration(np.array(confidences), np.array(right)) for confidences, right in degenerate] + [
        random_calibration() for _ in range(60)
    ]


def interval(right: int, images: int) -> list:
    low, high = proportion_confint(right, images, method="wilson")
    return [right, images, float(low), float(high)]


def intervals() -> list:
    pairs = [(0, 1), (1, 1), (0, 10), (10, 10), (5, 10), (0, 10_000), (10_000, 10_000), (1, 10_000), (9_999, 10_000)]
    pairs += [(7_300, 10_000), (1, 5_000_000), (2_500_000, 5_000_000), (0, 5_000_000)]
    for _ in range(80):
        images = int(10 ** random.uniform(0, 6))
        pairs.append((int(random.integers(0, images + 1)), images))
    return [interval(*pair) for pair in pairs]


cases = {
    "confusions": [confusion(counts) for counts in DEGENERATE_COUNTS + [random_counts() for _ in range(100)]],
    "calibrations": calibrations(),
    "intervals": intervals(),
}
lines = lambda cases: ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
print("{" + ",\n".join(f'"{name}":[\n{lines(of_name)}\n]' for name, of_name in cases.items()) + "}")

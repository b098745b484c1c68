"""Writes the golden values of crates/statistics/tests/golden.rs.

    python3 scripts/golden/significance.py > crates/statistics/tests/golden/statistics.json

It needs SciPy and statsmodels.

In the cases of min F′ a training is a line of digits, 1 for each image that it is right about. `null` is a figure that does not
exist.
"""

import json
import math

import numpy as np
from scipy.stats import f_oneway, norm, t
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(0)


def mcnemars() -> list:
    pairs = [(0, 0), (1, 0), (0, 1), (1, 1), (5, 5), (4, 5), (0, 6), (20, 0), (0, 1_000), (0, 5_000), (200, 5_000)]
    pairs += [(4_900, 5_100), (498_000, 502_000), (2_498_000, 2_502_000), (2_500_000, 2_500_000), (999_999, 1_000_000)]
    for _ in range(100):
        images = int(10 ** random.uniform(0, 5))
        pairs.append(tuple(random.multinomial(images, [share := random.beta(8, 8), 1 - share]).tolist()))
    return [[*pair, float(mcnemar([[0, pair[0]], [pair[1], 0]], exact=True).pvalue)] for pair in pairs]


def holms() -> list:
    lists = [[0.5], [0.0], [1.0], [0.02, 0.02, 0.02], [0.0, 1.0], [0.04, 0.03, 0.02, 0.01], [1e-300, 0.5, 1e-10, 0.5]]
    lists += [(random.random(random.integers(1, 15)) ** random.integers(1, 6)).round(6).tolist() for _ in range(60)]
    return [{"p": p, "corrected": multipletests(p, method="holm")[1].tolist()} for p in lists]


def variance(values: np.ndarray) -> float:
    """That of the mean; what is left of 0 by rounding is 0."""
    if len(values) < 2:
        return 0.0
    value = np.var(values, ddof=1) / len(values)
    return 0.0 if value < 1e-25 else float(value)


def min_f(a: np.ndarray, b: np.ndarray) -> dict:
    """`a` and `b`: [training, image]."""
    difference = a.mean() - b.mean()
    if abs(difference) < 1e-15:
        difference = 0.0
    of_models = [(variance(model.mean(axis=1)), len(model) - 1) for model in (a, b)]
    v1, v2 = sum(value for value, _ in of_models), variance(a.mean(axis=0) - b.mean(axis=0))
    df1 = v1**2 / sum(value**2 / df for value, df in of_models if value) if v1 else math.nan
    df2 = a.shape[1] - 1
    f1, f2 = (difference**2 / v if v else None for v in (v1, v2))
    # As Clark writes it, where neither is infinite and one is not 0.
    if f1 and f2:
        value, df = f1 * f2 / (f1 + f2), (f1 + f2) ** 2 / (f1**2 / df2 + f2**2 / df1)
    elif v1 or v2:
        value = difference**2 / (v1 + v2)
        df = (v1 + v2) ** 2 / ((v1**2 / df1 if v1 else 0) + (v2**2 / df2 if v2 else 0))
    else:
        value, df = None, None
    p = float(difference == 0) if value is None else float(2 * t.sf(math.sqrt(value), df))
    if len(a) == len(b) == 1 and value is not None:
        # The paired t-test: that of the constant in a regression of differences on a constant.
        assert math.isclose(p, OLS(a[0] - b[0], np.ones(df2 + 1)).fit().pvalues[0], rel_tol=1e-9)
    if len(a) > 1 and len(b) > 1 and all(value for value, _ in of_models):
        welch = f_oneway(a.mean(axis=1), b.mean(axis=1), equal_var=False)
        assert math.isclose(welch.statistic, f1, rel_tol=1e-9, abs_tol=1e-12)
        assert math.isclose(welch.pvalue, 2 * t.sf(math.sqrt(f1), df1), rel_tol=1e-9)
    text = lambda model: ["".join(str(int(right)) for right in training) for training in model]
    figures = {"difference": difference, "f_trainings": f1, "f_images": f2, "min_f": value, "degrees_of_freedom": df}
    return {"a": text(a), "b": text(b)} | {k: None if v is None else float(v) for k, v in figures.items()} | {"p": p}


def trained(difficulty: np.ndarray, trainings: int) -> np.ndarray:
    """A model's trainings: what is hard for one is hard for the others, more or less, and some come out better than others."""
    of_model, of_trainings = random.normal(0, 0.7, len(difficulty)), random.normal(0, 0.3, (trainings, 1))
    noise = random.normal(0, random.uniform(0.1, 1), (trainings, len(difficulty)))
    scores = difficulty + of_model + of_trainings + noise + random.normal(0, 0.4)
    return (scores > 0).astype(int)


def min_fs() -> list:
    marks = lambda *trainings: np.array([[int(mark) for mark in training] for training in trainings])
    cases = [
        (marks("1010"), marks("1010")),
        (marks("1111"), marks("0000")),
        (marks("111", "111"), marks("000", "000", "000")),
        (marks("100", "010", "001"), marks("000")),  # no variance, with thirds
        (marks("100", "010", "001"), marks("010", "100")),
        (marks("1111", "1110"), marks("0001")),
        (marks("11", "00"), marks("01", "10")),
        (marks("111", "000"), marks("000")),  # trainings differ, images do not
        (marks("111", "000", "111"), marks("000", "000", "111", "000")),
        (marks("1100"), marks("0011")),  # images differ, means do not
        (marks("0000", "0000"), marks("0000")),
    ]
    for trainings in [(1, 1)] * 10 + [(1, 4), (3, 1)] * 5 + [tuple(random.integers(2, 6, 2)) for _ in range(50)]:
        difficulty = random.normal(random.uniform(-1, 1), 1, random.integers(2, 120))
        cases.append(tuple(trained(difficulty, count) for count in trainings))
    # Many images: the t distribution is all but the normal one.
    cases += [tuple(trained(random.normal(0.5, 1, 3_000), count) for count in (3, 4)) for _ in range(2)]
    return [min_f(*case) for case in cases]


def needed(only_a: int, only_b: int, images: int) -> list:
    discordant, difference = (only_a + only_b) / images, (only_a - only_b) / images
    if difference == 0:
        return [only_a, only_b, images, None]
    root = norm.ppf(0.975) * math.sqrt(discordant) + norm.ppf(0.8) * math.sqrt(max(discordant - difference**2, 0))
    return [only_a, only_b, images, math.ceil(root**2 / difference**2)]


def images_needed() -> list:
    cases = [(0, 0, 10), (5, 5, 10), (1, 0, 1), (10, 0, 10), (0, 3, 10), (40, 20, 1_000), (1, 0, 10_000), (5_000, 4_999, 10_000)]
    for _ in range(60):
        images = int(10 ** random.uniform(1, 5))
        shares = random.dirichlet([1, 1, 6])
        cases.append((*random.multinomial(images, shares).tolist()[:2], images))
    return [needed(*case) for case in cases]


cases = {"mcnemar": mcnemars(), "holm": holms(), "min_f": min_fs(), "images_needed": images_needed()}
lines = lambda cases: ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
print("{" + ",\n".join(f'"{name}":[\n{lines(of_name)}\n]' for name, of_name in cases.items()) + "}")

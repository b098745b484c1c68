"""k-nearest neighbours, exact, k = 10: from u8 images in memory to labels.

The timed part has everything in it: conversions, building the index, the search and the vote. A
library is imported by the program that needs it, so that peak memory is its own. The check is the
accuracy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter

import numpy as np

from common import CLASSES, Images, Measurement, Options, main

K = 10
ANSWERS = 20


def vectors(images: Images) -> np.ndarray:
    """Images as rows of f32."""
    return images.pixels.reshape(len(images), -1).astype(np.float32)


def vote(labels: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """The most frequent label among each row's neighbours; the smaller label of equals.

    zoo takes the nearer of equals, so accuracies differ by a few tenths of a point.
    """
    queries = len(neighbours)
    places = np.arange(queries)[:, None] * CLASSES + labels[neighbours]
    votes = np.bincount(places.ravel(), minlength=queries * CLASSES)
    return votes.reshape(queries, CLASSES).argmax(axis=1)


def accuracy(predictions: np.ndarray, images: Images) -> float:
    """The share of images whose label was predicted."""
    return float((predictions == images.labels).mean())


def faiss_l2(options: Options) -> Measurement:
    """FAISS's exhaustive index."""
    import faiss

    train, test = options.train(), options.test()
    start = perf_counter()
    index = faiss.IndexFlatL2(train.pixels[0].size)
    index.add(vectors(train))
    _, neighbours = index.search(vectors(test), K)
    predictions = vote(train.labels, neighbours)
    seconds = perf_counter() - start
    return Measurement(seconds, accuracy(predictions, test), faiss.omp_get_max_threads())


def faiss_l1(options: Options) -> Measurement:
    """FAISS by sums of absolute differences, on the first `--queries` images; scaled to all of them."""
    import faiss

    train, test = options.train(), options.test()
    few = Images(test.pixels[:options.queries], test.labels[:options.queries])
    start = perf_counter()
    index = faiss.IndexFlat(train.pixels[0].size, faiss.METRIC_L1)
    index.add(vectors(train))
    _, neighbours = index.search(vectors(few), K)
    predictions = vote(train.labels, neighbours)
    seconds = (perf_counter() - start) * len(test) / len(few)
    return Measurement(seconds, accuracy(predictions, few), faiss.omp_get_max_threads())


def usearch_l2(options: Options) -> Measurement:
    """USearch's exhaustive search in bytes; 128 is subtracted, since its bytes have signs."""
    from usearch.index import MetricKind, search

    train, test = options.train(), options.test()
    start = perf_counter()
    found = search(signed(train), signed(test), K, MetricKind.L2sq, exact=True)
    predictions = vote(train.labels, found.keys.astype(np.int64))
    seconds = perf_counter() - start
    return Measurement(seconds, accuracy(predictions, test), os.cpu_count() or 1)


def signed(images: Images) -> np.ndarray:
    """Images as rows of i8."""
    return (images.pixels.reshape(len(images), -1) - np.uint8(128)).view(np.int8)


Search = Callable[[np.ndarray], np.ndarray]


def answers(options: Options, queries: int, search_in: Callable[[Images], Search],
            rows: Callable[[Images], np.ndarray], threads: int) -> Measurement:
    """The median time of `queries` images' neighbours; the index is there. The check is the mean distance of the nearest."""
    train, test = options.train(), rows(options.test())
    search = search_in(train)
    seconds, nearest = [], []
    for first in range(0, ANSWERS * queries, queries):
        start = perf_counter()
        distances = search(test[first:first + queries])
        seconds.append(perf_counter() - start)
        nearest.append(distances[:, 0].mean())
    return Measurement(median(seconds), float(np.mean(nearest)), threads)


def faiss_answers(metric: str, queries: int, options: Options) -> Measurement:
    """FAISS, asked a few images at a time."""
    import faiss

    def search_in(train: Images) -> Search:
        index = faiss.IndexFlat(train.pixels[0].size, getattr(faiss, metric))
        index.add(vectors(train))
        return lambda images: index.search(images, K)[0]

    return answers(options, queries, search_in, vectors, faiss.omp_get_max_threads())


def usearch_answers(queries: int, options: Options) -> Measurement:
    """USearch, asked a few images at a time."""
    from usearch.index import MetricKind, search

    def search_in(train: Images) -> Search:
        rows = signed(train)
        return lambda images: np.atleast_2d(
            search(rows, images, K, MetricKind.L2sq, exact=True).distances)

    return answers(options, queries, search_in, signed, os.cpu_count() or 1)


def torch_l2(options: Options) -> Measurement:
    """Matrix products, a block at a time: ‖t‖² − 2 q·t orders images as ‖q − t‖² does."""
    import torch

    queries_at_a_time, images_at_a_time = 1000, 5000
    train, test = options.train(), options.test()
    start = perf_counter()
    with torch.inference_mode():
        blocks = torch.from_numpy(train.pixels).flatten(1).float().split(images_at_a_time)
        norms = [block.square().sum(1) for block in blocks]
        found = []
        for queries in torch.from_numpy(test.pixels).flatten(1).split(queries_at_a_time):
            queries = queries.float()
            best, places = [], []
            for number, (block, norm) in enumerate(zip(blocks, norms)):
                distances = torch.addmm(norm, queries, block.T, alpha=-2)
                nearest = distances.topk(min(K, len(block)), largest=False)
                best.append(nearest.values)
                places.append(nearest.indices + number * images_at_a_time)
            nearest = torch.cat(best, 1).topk(K, largest=False)
            found.append(torch.cat(places, 1).gather(1, nearest.indices))
        labels = torch.from_numpy(train.labels)[torch.cat(found)]
        predictions = torch.nn.functional.one_hot(labels, CLASSES).sum(1).argmax(1).numpy()
    seconds = perf_counter() - start
    return Measurement(seconds, accuracy(predictions, test), torch.get_num_threads())


def sklearn_brute(metric: str, train: Images, test: Images) -> tuple[float, float]:
    """scikit-learn without a tree: seconds to fit and predict, and the accuracy."""
    from sklearn.neighbors import KNeighborsClassifier

    start = perf_counter()
    model = KNeighborsClassifier(K, algorithm="brute", metric=metric, n_jobs=-1)
    model.fit(vectors(train), train.labels)
    predictions = model.predict(vectors(test))
    return perf_counter() - start, accuracy(predictions, test)


def sklearn_l2(options: Options) -> Measurement:
    """scikit-learn, all queries."""
    measured = sklearn_brute("euclidean", options.train(), options.test())
    return Measurement(*measured, os.cpu_count() or 1)


def sklearn_l1(options: Options) -> Measurement:
    """scikit-learn on the first `--queries` images; the time is scaled to all of them."""
    train, test = options.train(), options.test()
    few = Images(test.pixels[:options.queries], test.labels[:options.queries])
    seconds, share = sklearn_brute("manhattan", train, few)
    return Measurement(seconds * len(test) / len(few), share, os.cpu_count() or 1)


def torch_l1(options: Options) -> Measurement:
    """PyTorch's table of distances, on the first `--queries` images; scaled to all of them."""
    import torch

    train, test = options.train(), options.test()
    few = Images(test.pixels[:options.queries], test.labels[:options.queries])
    start = perf_counter()
    with torch.inference_mode():
        images, queries = [torch.from_numpy(vectors(part)) for part in (train, few)]
        neighbours = torch.cdist(queries, images, p=1).topk(K, largest=False).indices
        predictions = vote(train.labels, neighbours.numpy())
    seconds = (perf_counter() - start) * len(test) / len(few)
    return Measurement(seconds, accuracy(predictions, few), torch.get_num_threads())


if __name__ == "__main__":
    few = {"one": 1, "ten": 10}
    main({
        "knn-l2": {"faiss": faiss_l2, "usearch": usearch_l2, "torch": torch_l2, "scikit-learn": sklearn_l2},
        "knn-l1": {"faiss": faiss_l1, "torch": torch_l1, "scikit-learn": sklearn_l1},
    } | {
        f"knn-l2-{name}": {
            "faiss": partial(faiss_answers, "METRIC_L2", queries),
            "usearch": partial(usearch_answers, queries),
        } for name, queries in few.items()
    } | {
        f"knn-l1-{name}": {"faiss": partial(faiss_answers, "METRIC_L1", queries)}
        for name, queries in few.items()
    })

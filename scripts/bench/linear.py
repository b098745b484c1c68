"""One epoch of the softmax classifier and of the linear SVM: configs/softmax.toml and svm.toml.

Images stay u8 until a shuffled batch of them is gathered; the mean image is subtracted, the rest
divided by 255. The learning rate falls as half a cosine over the epoch. The check is the mean
loss.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from common import CLASSES, Measurement, Options, main
from training import sgd

BATCH = 256
#: λ of the penalty whose optimum is looked for.
PENALTY = 1e-3

Loss = Callable[[Tensor, Tensor], Tensor]


def hinge(scores: Tensor, labels: Tensor) -> Tensor:
    """The multiclass hinge, summed over the wrong classes."""
    # The right class violates its own margin by 1, which is taken off again.
    right = scores.gather(1, labels[:, None])
    return (scores - right + 1).relu().sum() / len(scores) - 1


def epoch(options: Options, loss: Loss, learning_rate: float, weight_decay: float) -> Measurement:
    """Trains W x + b on every training image once."""
    train = options.train()
    images = torch.from_numpy(train.pixels).flatten(1)
    labels = torch.from_numpy(train.labels)
    mean = torch.from_numpy(train.pixels.mean(axis=0)).flatten().float()
    torch.manual_seed(42)
    batch = options.batch or BATCH
    steps = math.ceil(len(images) / batch)
    model = torch.nn.Linear(images.shape[1], CLASSES)
    torch.nn.init.normal_(model.weight, std=1e-3)
    torch.nn.init.zeros_(model.bias)
    decayed = {"params": [model.weight], "weight_decay": weight_decay}
    optimizer = sgd([decayed, {"params": [model.bias]}], lr=learning_rate, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    start = perf_counter()
    total = torch.zeros(())
    for index in torch.randperm(len(images)).split(batch):
        x = images.index_select(0, index).float().sub_(mean).div_(255)
        value = loss(model(x), labels[index])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        total += value.detach() * len(index)
    check = total.item() / len(images)
    return Measurement(perf_counter() - start, check, torch.get_num_threads())


def softmax(options: Options) -> Measurement:
    """W x + b under cross-entropy."""
    return epoch(options, cross_entropy, learning_rate=0.01, weight_decay=1e-3)


def svm(options: Options) -> Measurement:
    """W x + b under the hinge."""
    return epoch(options, hinge, learning_rate=0.001, weight_decay=1e-2)


def lbfgs(options: Options) -> Measurement:
    """scikit-learn's softmax classifier by limited-memory BFGS, with as few iterations as reach the optimum within 0.1 %.

    The check is what is minimised: the mean loss and the penalty (PENALTY / 2) ‖W‖². Four hundred iterations
    bring it to 1.65859; 1.66024 is within 0.1 %.
    """
    # Not for the other rows, whose memory it would count to.
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    train = options.train()
    mean = train.pixels.mean(axis=0).ravel().astype(np.float32)
    model = LogisticRegression(C=1 / (PENALTY * len(train)), solver="lbfgs", max_iter=90, tol=0)
    start = perf_counter()
    x = (train.pixels.reshape(len(train), -1) - mean) / np.float32(255)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, train.labels)
    seconds = perf_counter() - start
    loss = log_loss(train.labels, model.predict_proba(x))
    penalty = PENALTY / 2 * float((model.coef_**2).sum())
    return Measurement(seconds, float(loss) + penalty, torch.get_num_threads())


if __name__ == "__main__":
    main({"softmax-epoch": {"torch": softmax}, "svm-epoch": {"torch": svm},
          "softmax-optimum": {"lbfgs": lbfgs}})

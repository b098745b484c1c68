"""Prints the golden values of crates/train/src/optimizer.rs.

    python3 scripts/golden/optimizers.py        (needs torch)

Twenty steps on L = sum(c * w^2) + sum(c * b), c = 1, 2, 3, from w = 0.5, -1, 2 and b = 1, 1, 1; weight decay on w alone.
"""

import torch

CASES = [
    ("sgd", dict(lr=0.01)),
    ("sgd", dict(lr=0.01, momentum=0.9)),
    ("sgd", dict(lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.1)),
    ("adam", dict(lr=0.05)),
    ("adam", dict(lr=0.05, betas=(0.8, 0.99), weight_decay=0.1)),
]


def run(kind: str, options: dict) -> tuple[list[float], list[float]]:
    c = torch.tensor([1.0, 2.0, 3.0])
    w = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    b = torch.ones(3, requires_grad=True)
    decay = options.pop("weight_decay", 0.0)
    groups = [{"params": [w], "weight_decay": decay}, {"params": [b], "weight_decay": 0.0}]
    optimizer = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[kind](groups, **options)
    for _ in range(20):
        optimizer.zero_grad()
        ((c * w * w).sum() + (c * b).sum()).backward()
        optimizer.step()
    return w.tolist(), b.tolist()


for kind, options in CASES:
    print(kind, options, *run(kind, dict(options)))

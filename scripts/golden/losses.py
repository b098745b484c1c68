"""Prints the golden values of crates/core/src/loss.rs.

    python3 scripts/golden/losses.py        (needs torch)
"""

import torch
from torch.nn.functional import cross_entropy

scores = torch.tensor([[1.0, -2.0, 0.5], [3.0, 1.0, -1.0]])
labels = torch.tensor([2, 0])
for smoothing in (0.0, 0.1):
    print(f"label smoothing {smoothing}: {cross_entropy(scores, labels, label_smoothing=smoothing).item():.6f}")

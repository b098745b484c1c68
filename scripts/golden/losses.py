"""Prints the golden values of loss.rs and class_weights.rs in crates/core/src, and of crates/kernels/src/cross_entropy.rs.

    python3 scripts/golden/losses.py        (needs torch)
"""

import torch
from torch.nn.functional import cross_entropy

scores = torch.tensor([[1.0, -2.0, 0.5], [3.0, 1.0, -1.0]])
labels = torch.tensor([2, 0])
for smoothing in (0.0, 0.1):
    print(f"label smoothing {smoothing}: {cross_entropy(scores, labels, label_smoothing=smoothing).item():.6f}")

scores = torch.tensor([[1.0, -2.0, 0.5], [3.0, 1.0, -1.0], [0.5, 0.25, 0.0], [-1.0, 2.0, 1.5]])
labels = torch.tensor([2, 0, 0, 1])
weights = torch.tensor([0.5, 2.0, 3.5])
for smoothing in (0.0, 0.1):
    leaf = scores.clone().requires_grad_()
    loss = cross_entropy(leaf, labels, weight=weights, label_smoothing=smoothing)
    loss.backward()
    slopes = ", ".join(f"{slope:.6f}" for slope in leaf.grad.flatten())
    print(f"class weights, label smoothing {smoothing}: {loss.item():.6f}, slopes {slopes}")

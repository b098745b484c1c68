"""Prints the scores in crates/vit/src/tests.rs, and the attention in block.rs: those of PyTorch.

    PYTHONPATH=scripts/pytorch python3 scripts/golden/vit.py        (needs torch)
"""

import math

import torch
from torch.nn import functional

from networks import Vit


def positions(rows: int, columns: int, width: int) -> torch.Tensor:
    """Sines and cosines of rows and columns."""
    waves = 10_000.0 ** (-torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    down, across = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    angles = [place[..., None] * waves for place in (down, across)]
    return torch.cat([part for angle in angles for part in (angle.sin(), angle.cos())], 2).float()


architecture = {"patch": 4, "width": 8, "depth": 2, "heads": 2, "hidden": 12}
model = Vit(architecture, (3, 10, 7), 3)
model.normalizer.mean.copy_(torch.tensor([100.0, 110.0, 120.0]).reshape(1, 3, 1, 1))
model.normalizer.scale.copy_(torch.tensor([50.0, 60.0, 70.0]).reshape(1, 3, 1, 1))
model.positions.copy_(positions(*model.positions.shape))
images = torch.tensor([round(127.5 + 127.5 * math.sin(0.9 * i)) for i in range(2 * 3 * 10 * 7)]).reshape(2, 3, 10, 7)
with torch.inference_mode():
    for parameter in model.parameters():
        waves = [0.3 * math.sin(0.7 * i + 1) for i in range(parameter.numel())]
        parameter.copy_(torch.tensor(waves).reshape(parameter.shape))
    print("scores", [round(score, 6) for score in model(images.float()).flatten().tolist()])

features = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]])
weights = [[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]], [[1.0, 2.0], [0.0, -1.0]]]
for heads in (1, 2):
    parts = [(features @ torch.tensor(weight)).reshape(1, 3, heads, -1).transpose(1, 2) for weight in weights]
    mixed = functional.scaled_dot_product_attention(*parts).transpose(1, 2)
    print(heads, "heads", [round(value, 6) for value in mixed.flatten().tolist()])

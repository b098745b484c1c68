"""Writes the golden values of crates/kernels/tests/pytorch.rs.

    PYTHONPATH=scripts/pytorch python3 scripts/golden/layers.py > crates/kernels/tests/pytorch.json        (needs torch)

Each case is a function of `inputs`; `output` is its value, `gradients` are those of sum(output * weighting) by each input.
Tensors are lists with their shape; features are `[batch, channel, row, column]` here.
"""

import json

import torch
from torch import nn
from torch.nn import functional

from networks import ACTIVATIONS

torch.manual_seed(7)


def tensor(values: torch.Tensor) -> dict:
    return {"shape": list(values.shape), "values": [round(value, 7) for value in values.flatten().tolist()]}


def case(name: str, function, *inputs: torch.Tensor) -> dict:
    inputs = [values.clone().requires_grad_() for values in inputs]
    output = function(*inputs)
    weighting = torch.randn_like(output)
    gradients = torch.autograd.grad((output * weighting).sum(), inputs)
    return {
        "name": name,
        "inputs": [tensor(values.detach()) for values in inputs],
        "output": tensor(output.detach()),
        "weighting": tensor(weighting),
        "gradients": [tensor(gradient) for gradient in gradients],
    }


def features(channels: int = 2, side: int = 4) -> torch.Tensor:
    # Rounded, so that what is written is what was computed with.
    return (torch.randn(2, channels, side, side) * 2).mul(64).round().div(64)


gamma, beta = torch.tensor([0.5, -1.25]), torch.tensor([0.25, 1.5])
cases = [
    case(f"batch_norm {name}", lambda x, g, b, f=f: f(functional.batch_norm(x, None, None, g, b, training=True)), features(), gamma, beta)
    for name, f in ACTIVATIONS.items()
]
cases += [case(f"activation {name}", f, features()) for name, f in ACTIVATIONS.items()]
for size, stride, padding in [(2, 2, 0), (3, 3, 0), (3, 2, 1)]:
    pool = lambda x: functional.max_pool2d(x, size, stride, padding)
    cases.append(case(f"max_pool {size} {stride} {padding}", pool, features(side=6)))
for size, stride, padding in [(3, 1, 1), (3, 2, 1), (5, 1, 0), (1, 2, 0), (2, 1, 0)]:
    weight = torch.randn(3, 2, size, size).mul(64).round().div(64)
    convolve = lambda x, w: functional.conv2d(x, w, stride=stride, padding=padding)
    cases.append(case(f"conv {size} {stride} {padding}", convolve, features(side=6), weight))

# Running statistics after two batches, and what they make of a third.
norm = nn.BatchNorm2d(2)
norm.weight.data, norm.bias.data = gamma, beta
batches = [features() for _ in range(3)]
for batch in batches[:2]:
    norm(batch)
norm.eval()
statistics = {
    "batches": [tensor(batch) for batch in batches],
    "gamma": tensor(gamma),
    "beta": tensor(beta),
    "running_mean": tensor(norm.running_mean),
    "running_var": tensor(norm.running_var),
    "output": tensor(norm(batches[2]).detach()),
}
print(json.dumps({"cases": cases, "statistics": statistics}))

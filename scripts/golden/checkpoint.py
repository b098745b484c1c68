"""Writes tests/golden/lenet-checkpoint.pt: the weights of lenet.pt as training scripts save a wrapped network in half precision.

    python3 scripts/golden/checkpoint.py        (needs torch)
"""

from pathlib import Path

import torch

HERE = Path("tests/golden")
state = torch.load(HERE / "lenet.pt")
wrapped = {f"module.{name}": tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
parameters = [torch.nn.Parameter(tensor.float()) for tensor in wrapped.values() if tensor.is_floating_point()]
optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)
for parameter in parameters:
    parameter.grad = torch.zeros_like(parameter)
optimizer.step()
torch.save({"epoch": 3, "state_dict": wrapped, "optimizer": optimizer.state_dict()}, HERE / "lenet-checkpoint.pt")

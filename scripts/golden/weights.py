"""Writes tests/golden/lenet.{pt,safetensors,json} and vit.{safetensors,json}: tiny networks as PyTorch saves them, and their scores.

    PYTHONPATH=scripts/pytorch python3 scripts/golden/weights.py        (needs torch, safetensors and target/release/zoo)

The images are ten test images of shapes10, which zoo writes next to its own scores.
"""

import json
import subprocess
import tempfile
import tomllib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from networks import network

HERE = Path("tests/golden")


def made(name: str) -> nn.Module:
    """The network of a recipe, saved."""
    torch.manual_seed(3)
    model = network(tomllib.loads((HERE / f"{name}.toml").read_text()), (3, 32, 32), 10).eval()
    model.normalizer.mean.copy_(torch.tensor([120.0, 125.0, 130.0]).reshape(1, 3, 1, 1))
    model.normalizer.scale.copy_(torch.tensor([60.0, 65.0, 70.0]).reshape(1, 3, 1, 1))
    if name == "vit":
        # Any will do, as long as they are in the file.
        model.positions.normal_()
    save_file(model.state_dict(), HERE / f"{name}.safetensors")
    return model


lenet, vit = made("lenet"), made("vit")
torch.save(lenet.state_dict(), HERE / "lenet.pt")
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "scores.safetensors"
    weights = ["--weights", HERE / "lenet.safetensors", "--config", HERE / "lenet.toml"]
    limits = ["--limit-train", "100", "--limit-test", "10"]
    subprocess.run(["target/release/zoo", "evaluate", *weights, *limits, "--scores", file], check=True)
    images = load_file(file)["images"].float()
for name, model in [("lenet", lenet), ("vit", vit)]:
    with torch.inference_mode():
        scores = model(images).tolist()
    (HERE / f"{name}.json").write_text(json.dumps([[round(score, 6) for score in row] for row in scores]) + "\n")

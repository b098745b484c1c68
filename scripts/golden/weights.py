"""Writes tests/golden/lenet.{pt,safetensors,json}: a tiny LeNet as PyTorch saves it, and its scores.

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

from networks import network

HERE = Path("tests/golden")

torch.manual_seed(3)
model = network(tomllib.loads((HERE / "lenet.toml").read_text()), (3, 32, 32), 10).eval()
model.normalizer.mean.copy_(torch.tensor([120.0, 125.0, 130.0]).reshape(1, 3, 1, 1))
model.normalizer.scale.copy_(torch.tensor([60.0, 65.0, 70.0]).reshape(1, 3, 1, 1))
torch.save(model.state_dict(), HERE / "lenet.pt")
save_file(model.state_dict(), HERE / "lenet.safetensors")

with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "scores.safetensors"
    weights = ["--weights", HERE / "lenet.safetensors", "--config", HERE / "lenet.toml"]
    limits = ["--limit-train", "100", "--limit-test", "10"]
    subprocess.run(["target/release/zoo", "evaluate", *weights, *limits, "--scores", file], check=True)
    images = load_file(file)["images"].float()
with torch.inference_mode():
    scores = model(images).tolist()
(HERE / "lenet.json").write_text(json.dumps([[round(score, 6) for score in row] for row in scores]) + "\n")

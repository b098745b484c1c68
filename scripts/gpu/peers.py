"""A row of `check` in PyTorch on a GPU: `python peers.py ROW FOLDER`, which has CIFAR-10's binary batches; prints a line of JSON.

Images are on the card as bytes before the clock starts, as zoo's are. Each row is done once before for what is compiled and tuned.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, cross_entropy, pad

CUDA = torch.device("cuda")
Found = tuple[float, float, str]


def read(folder: Path, names: list[str]) -> tuple[Tensor, Tensor]:
    """Images, u8 [n, 3, 32, 32], and labels, on the card."""
    content = b"".join((folder / name).read_bytes() for name in names)
    rows = torch.frombuffer(bytearray(content), dtype=torch.uint8).view(-1, 3073).to(CUDA)
    return rows[:, 1:].reshape(-1, 3, 32, 32).contiguous(), rows[:, 0].long()


def clock(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds until the card has done `work`, and its result."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    result = work()
    torch.cuda.synchronize()
    return time.perf_counter() - start, result


def neighbours(data: Any, metric: str) -> Found:
    """The ten nearest training images of each test image, and the share of right votes."""
    (train, labels), (test, truth) = data
    rows, queries = train.flatten(1).float(), test.flatten(1).float()

    def search(queries: Tensor) -> Tensor:
        found = [torch.cdist(part, rows, 1.0 if metric == "l1" else 2.0).topk(10, largest=False).indices for part in queries.split(1000)]
        return torch.cat(found)

    search(queries[:1000])
    seconds, found = clock(lambda: search(queries))
    votes = torch.zeros(len(test), 10, device=CUDA).scatter_add_(1, labels[found], torch.ones_like(found, dtype=torch.float))
    return seconds, (votes.argmax(1) == truth).float().mean().item(), "test accuracy"


def linear(data: Any, hinge: bool) -> Found:
    """An epoch of softmax or the SVM, as configs/softmax.toml and configs/svm.toml have it."""
    (train, labels), (test, truth) = data
    rows = train.flatten(1)
    mean = rows.float().mean(0)

    def epoch() -> nn.Module:
        model = nn.Linear(3072, 10, device=CUDA)
        rate, decay = (0.001, 1e-2) if hinge else (0.01, 1e-3)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=decay, fused=True)
        steps = math.ceil(len(rows) / 256)
        for step, index in enumerate(torch.randperm(len(rows), device=CUDA).split(256)):
            optimizer.param_groups[0]["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
            scores, right = model(rows[index].float().sub_(mean).div_(255)), labels[index]
            if hinge:
                loss = (scores - scores.gather(1, right[:, None]) + 1).relu().sum() / len(right) - 1
            else:
                loss = cross_entropy(scores, right)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return model

    epoch()
    seconds, model = clock(epoch)
    right = model(test.flatten(1).float().sub_(mean).div_(255)).argmax(1) == truth
    return seconds, right.float().mean().item(), "test accuracy"


class Norm(nn.BatchNorm2d):
    """BatchNorm whose scale stays 1."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-12, momentum=0.4)
        self.weight.requires_grad = False


def convolution(channels_in: int, channels_out: int) -> nn.Conv2d:
    """A 3×3 convolution whose first filters are the identity."""
    layer = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:channels_in])
    return layer


class Network(nn.Module):
    """airbench94: a frozen whitening convolution, three groups of two convolutions, a linear layer."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        patches = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (vectors / (values + 5e-4).sqrt()).T.reshape(12, 3, 2, 2).flip(0)
        self.register_buffer("filters", torch.cat([filters, -filters]))
        self.shift = nn.Parameter(torch.zeros(24))
        layers: list[nn.Module] = [nn.GELU()]
        channels = 24
        for width in (64, 256, 256):
            layers += [convolution(channels, width), nn.MaxPool2d(2), Norm(width), nn.GELU(),
                       convolution(width, width), Norm(width), nn.GELU()]
            channels = width
        self.layers = nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten())
        self.linear = nn.Linear(channels, 10, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Scores of normalised images."""
        return self.linear(self.layers(conv2d(images, self.filters, self.shift))) / 9


def airbench(data: Any, mixed: bool) -> Found:
    """airbench94 to the end: 9.9 epochs of batches of 1,024, and the accuracy with test-time augmentation."""
    (train, labels), (test, truth) = data
    mean = train.float().mean((0, 2, 3))[:, None, None]
    deviation = train.float().std((0, 2, 3))[:, None, None]

    def normal(images: Tensor) -> Tensor:
        return ((images.float() - mean) / deviation).contiguous(memory_format=torch.channels_last)

    def fit(most: float) -> nn.Module:
        model = Network(normal(train[:5000])).to(CUDA, memory_format=torch.channels_last)
        biases = [layer.bias for layer in model.modules() if isinstance(layer, Norm)]
        others = [one for one in model.parameters() if one.requires_grad and all(one is not bias for bias in biases)]
        groups = [{"params": others, "lr": 1.5, "weight_decay": 1.33e-3}, {"params": biases, "lr": 96.0, "weight_decay": 2.08e-5}]
        optimizer = torch.optim.SGD(groups, momentum=0.85, nesterov=True, fused=True)
        rates = [group["lr"] for group in groups]
        steps, step = math.ceil(len(train) // 1024 * 9.9), 0
        fast = [value for value in model.state_dict().values() if value.is_floating_point()]
        slow = [value.clone() for value in fast]
        mirrored = torch.rand(len(train), device=CUDA) < 0.5
        padded = pad(train.float(), (2,) * 4, "reflect").byte()
        epoch = 0
        while step < min(steps, most):
            model.shift.requires_grad = epoch < 3
            for index in torch.randperm(len(train), device=CUDA).split(1024):
                if len(index) < 1024 or step >= min(steps, most):
                    break
                windows = padded[index].unfold(2, 32, 1).unfold(3, 32, 1)
                down, right = torch.randint(0, 5, (2, 1024), device=CUDA)
                images = windows[torch.arange(1024, device=CUDA), :, down, right]
                images = normal(torch.where(mirrored[index][:, None, None, None], images.flip(-1), images))
                with torch.autocast("cuda", torch.float16, enabled=mixed):
                    scores = model(images)
                loss = cross_entropy(scores.float(), labels[index], label_smoothing=0.2)
                peak = math.floor(0.23 * steps)
                share = 0.2 + 0.8 * step / peak if step < peak else 1 - 0.93 * (step - peak) / (steps - peak)
                for group, rate in zip(optimizer.param_groups, rates):
                    group["lr"] = rate * share
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
                if step % 5 == 0:
                    decay = 0.95**5 * (step / steps) ** 3
                    for new, old in zip(fast, slow):
                        old.lerp_(new, 1 - decay)
                        new.copy_(old)
            mirrored, epoch = ~mirrored, epoch + 1
        return model

    fit(20)
    seconds, model = clock(lambda: fit(math.inf))
    model.eval()
    padded = pad(test.float(), (1,) * 4, "reflect").byte()
    views = [(test, 0.25), (padded[:, :, :32, :32], 0.125), (padded[:, :, 2:, 2:], 0.125)]
    with torch.inference_mode(), torch.autocast("cuda", torch.float16, enabled=mixed):
        scores = sum(weight * torch.cat([model(normal(part)).float() for part in seen.split(1000)])
                     for image, weight in views for seen in (image, image.flip(-1)))
    return seconds, (scores.argmax(1) == truth).float().mean().item(), "test accuracy, augmented"


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    torch.manual_seed(42)
    # As PyTorch has it by default: convolutions of f32 may be TF32, matrix products are not.
    data = read(folder, [f"data_batch_{number}.bin" for number in range(1, 6)]), read(folder, ["test_batch.bin"])
    rows: dict[str, Callable[[], Found]] = {
        "airbench94, f32": lambda: airbench(data, mixed=False),
        "airbench94, mixed": lambda: airbench(data, mixed=True),
        "k-NN, L2": lambda: neighbours(data, "l2"),
        "k-NN, L1": lambda: neighbours(data, "l1"),
        "softmax, one epoch": lambda: linear(data, hinge=False),
        "svm, one epoch": lambda: linear(data, hinge=True),
    }
    seconds, check, what = rows[name]()
    print(json.dumps({"seconds": seconds, "check": check, "is": what, "torch": torch.__version__, "card": torch.cuda.get_device_name()}))


if __name__ == "__main__":
    main()

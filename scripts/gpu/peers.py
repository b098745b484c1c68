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
from torch.nn.functional import cross_entropy, pad

# The peers of the CPU have the same network, schedule and loss.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

from airbench import EPOCHS, LOOK_EVERY, PUBLISHED, Lookahead, Network, Norm, factor  # noqa: E402
from linear import hinge as hinge_loss  # noqa: E402

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
            loss = (hinge_loss if hinge else cross_entropy)(scores, right)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return model

    epoch()
    seconds, model = clock(epoch)
    right = model(test.flatten(1).float().sub_(mean).div_(255)).argmax(1) == truth
    return seconds, right.float().mean().item(), "test accuracy"


def airbench(data: Any, mixed: bool) -> Found:
    """airbench94 to the end: 9.9 epochs of batches of 1,024, and the accuracy with test-time augmentation."""
    (train, labels), (test, truth) = data
    mean = train.float().mean((0, 2, 3))[:, None, None]
    deviation = train.float().std((0, 2, 3))[:, None, None]

    def normal(images: Tensor) -> Tensor:
        return ((images.float() - mean) / deviation).contiguous(memory_format=torch.channels_last)

    def fit(most: float) -> nn.Module:
        model = Network(normal(train[:5000]), PUBLISHED).to(CUDA, memory_format=torch.channels_last)
        biases = [layer.bias for layer in model.modules() if isinstance(layer, Norm)]
        others = [one for one in model.parameters() if one.requires_grad and all(one is not bias for bias in biases)]
        groups = [{"params": others, "lr": 1.5, "weight_decay": 1.33e-3}, {"params": biases, "lr": 96.0, "weight_decay": 2.08e-5}]
        optimizer = torch.optim.SGD(groups, momentum=0.85, nesterov=True, fused=True)
        rates = [group["lr"] for group in groups]
        steps, step = math.ceil(len(train) // 1024 * EPOCHS), 0
        lookahead = Lookahead(model)
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
                for group, rate in zip(optimizer.param_groups, rates):
                    group["lr"] = rate * factor(step, steps)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
                if step % LOOK_EVERY == 0:
                    lookahead.look(0.95**LOOK_EVERY * (step / steps) ** 3)
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

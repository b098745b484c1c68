"""The first of 9.9 epochs of airbench94's training, in widths 32-64-64 and f32.

After Jordan, *94% on CIFAR-10 in 3.29 Seconds on a Single GPU*, 2024. The timed part goes from u8
images in memory to trained weights: shuffling, alternating flip, reflected padding, crops,
normalisation, label smoothing, Nesterov SGD in two groups of parameters, and Lookahead. Batches of
1,024; what is left over is dropped. The check is the mean loss.
"""

from __future__ import annotations

import math
from functools import partial
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, cross_entropy, pad

from common import CLASSES, Images, Measurement, Options, main
from training import channel_statistics, sgd

WIDTHS = (32, 64, 64)
BATCH = 1024
EPOCHS = 9.9
REACH = 2
SMOOTHING = 0.2
LOOK_EVERY = 5


class Norm(nn.BatchNorm2d):
    """BatchNorm whose scale stays 1."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-12, momentum=0.4)
        self.weight.requires_grad = False


class Network(nn.Module):
    """A frozen whitening convolution, three groups of two convolutions, a linear layer."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        filters = whitening(images)
        self.filters = torch.cat([filters, -filters])
        self.shift = nn.Parameter(torch.zeros(len(self.filters)))
        layers: list[nn.Module] = [nn.GELU()]
        channels = 24
        for width in WIDTHS:
            layers += [
                convolution(channels, width), nn.MaxPool2d(2), Norm(width), nn.GELU(),
                convolution(width, width), Norm(width), nn.GELU(),
            ]
            channels = width
        self.layers = nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten())
        self.linear = nn.Linear(channels, CLASSES, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Scores normalised images."""
        return self.linear(self.layers(conv2d(images, self.filters, self.shift))) / 9


def convolution(channels_in: int, channels_out: int) -> nn.Conv2d:
    """A 3×3 convolution whose first filters are the identity."""
    layer = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:channels_in])
    return layer


def whitening(images: Tensor) -> Tensor:
    """Eigenvectors of the covariance of all 2×2 patches, each over the root of its eigenvalue."""
    patches = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    return (vectors / (values + 5e-4).sqrt()).T.reshape(12, 3, 2, 2).flip(0)


class Augmented:
    """Training images as an epoch sees them."""

    def __init__(self, images: Images, memory_format: torch.memory_format) -> None:
        self.mean, self.deviation = channel_statistics(images.pixels)
        self.memory_format = memory_format

    def normalise(self, images: Tensor) -> Tensor:
        """u8 to f32 of mean 0 and deviation 1, by channel."""
        values = images.to(torch.float32, memory_format=self.memory_format)
        return values.sub_(self.mean).div_(self.deviation)

    def batch(self, images: Tensor, mirrored: Tensor) -> Tensor:
        """Pads, crops at random and mirrors some images."""
        count, size = len(images), images.shape[-1]
        padded = pad(images.float(), (REACH,) * 4, "reflect").byte()
        windows = padded.unfold(2, size, 1).unfold(3, size, 1)
        down, right = torch.randint(0, 2 * REACH + 1, (2, count))
        cropped = windows[torch.arange(count), :, down, right]
        mirrored = mirrored[:, None, None, None]
        return self.normalise(torch.where(mirrored, cropped.flip(-1), cropped))


class Lookahead:
    """Slow copies of parameters and statistics, which the fast ones are drawn back to."""

    def __init__(self, model: nn.Module) -> None:
        self.fast = [value for value in model.state_dict().values() if value.is_floating_point()]
        self.slow = [value.clone() for value in self.fast]

    def look(self, decay: float) -> None:
        """Moves the slow copies towards the fast values, and those there."""
        for fast, slow in zip(self.fast, self.slow):
            slow.lerp_(fast, 1 - decay)
            fast.copy_(slow)


def factor(step: int, steps: int) -> float:
    """The share of the learning rate: 0.2 to 1 over 23 % of the steps, then down to 0.07."""
    peak = math.floor(0.23 * steps)
    if step < peak:
        return 0.2 + 0.8 * step / peak
    return 1 - 0.93 * (step - peak) / (steps - peak)


def epoch(memory_format: torch.memory_format, options: Options) -> Measurement:
    """Trains on every training image once."""
    train = options.train()
    images, labels = torch.from_numpy(train.pixels), torch.from_numpy(train.labels)
    torch.manual_seed(42)
    size = options.batch or BATCH
    if len(images) < size:
        raise SystemExit(f"a batch of {size} images needs more than {len(images)} images")
    steps = math.ceil(len(images) // size * EPOCHS)
    augmented = Augmented(train, memory_format)
    model = Network(augmented.normalise(images[:5000])).to(memory_format=memory_format)
    biases = [module.bias for module in model.modules() if isinstance(module, Norm)]
    norms = {id(bias) for bias in biases}
    others = [parameter for parameter in model.parameters()
              if parameter.requires_grad and id(parameter) not in norms]
    groups = [
        {"params": others, "lr": 1.5, "weight_decay": 1.33e-3},
        {"params": biases, "lr": 96.0, "weight_decay": 2.08e-5},
    ]
    optimizer = sgd(groups, momentum=0.85, nesterov=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(factor, steps=steps))

    start = perf_counter()
    lookahead = Lookahead(model)
    mirrored = torch.rand(len(images)) < 0.5
    total = torch.zeros(())
    order = torch.randperm(len(images)).split(size)
    order = [index for index in order if len(index) == size]
    for step, index in enumerate(order, 1):
        inputs = augmented.batch(images.index_select(0, index), mirrored[index])
        loss = cross_entropy(model(inputs), labels[index], label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % LOOK_EVERY == 0:
            lookahead.look(0.95**LOOK_EVERY * (step / steps) ** 3)
        total += loss.detach()
    check = total.item() / len(order)
    return Measurement(perf_counter() - start, check, torch.get_num_threads())


if __name__ == "__main__":
    main({"airbench-epoch": {
        "torch (contiguous)": partial(epoch, torch.contiguous_format),
        "torch (channels last)": partial(epoch, torch.channels_last),
    }})

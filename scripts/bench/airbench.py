"""airbench94's training in f32: the first of its 9.9 epochs in widths 32-64-64, or all of it.

After Jordan, *94% on CIFAR-10 in 3.29 Seconds on a Single GPU*, 2024. The timed part goes from u8
images in memory to trained weights: shuffling, alternating flip, reflected padding, crops,
normalization, label smoothing, Nesterov SGD in two groups of parameters, and Lookahead. Batches of
1,024; what is left over is dropped. The check of an epoch is the mean loss, that of the whole
training the test accuracy with test-time augmentation; the plain one goes to stderr.
"""

from __future__ import annotations

import math
import sys
from functools import partial
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, cross_entropy, pad

from common import CLASSES, Images, Measurement, Options, main
from training import channel_statistics, sgd

NARROW = (32, 64, 64)
PUBLISHED = (64, 256, 256)
BATCH = 1024
EPOCHS = 9.9
REACH = 2
SMOOTHING = 0.2
LOOK_EVERY = 5
BIAS_EPOCHS = 3


class Norm(nn.BatchNorm2d):
    """BatchNorm whose scale stays 1."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-12, momentum=0.4)
        self.weight.requires_grad = False


class Network(nn.Module):
    """A frozen whitening convolution, three groups of two convolutions, a linear layer."""

    def __init__(self, images: Tensor, widths: tuple[int, ...]) -> None:
        super().__init__()
        filters = whitening(images)
        self.filters = torch.cat([filters, -filters])
        self.shift = nn.Parameter(torch.zeros(len(self.filters)))
        layers: list[nn.Module] = [nn.GELU()]
        channels = 24
        for width in widths:
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

    def views(self, images: Tensor) -> list[tuple[Tensor, float]]:
        """As they are, and moved by one pixel both ways, which counts half; each also mirrored."""
        size = images.shape[-1]
        padded = pad(images.float(), (1,) * 4, "reflect").byte()
        moved = [padded[:, :, at:at + size, at:at + size] for at in (0, 2)]
        plain = [(images, 0.25), (moved[0], 0.125), (moved[1], 0.125)]
        return [(self.normalise(seen), weight)
                for image, weight in plain for seen in (image, image.flip(-1))]

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


class Training:
    """What an epoch leaves to the next."""

    def __init__(self, options: Options, memory_format: torch.memory_format,
                 widths: tuple[int, ...]) -> None:
        train = options.train()
        self.images, self.labels = torch.from_numpy(train.pixels), torch.from_numpy(train.labels)
        torch.manual_seed(options.seed)
        self.size = options.batch or BATCH
        if len(self.images) < self.size:
            raise SystemExit(f"a batch of {self.size} images needs more than {len(self.images)} images")
        self.steps = math.ceil(len(self.images) // self.size * EPOCHS)
        self.step = 0
        self.augmented = Augmented(train, memory_format)
        some = self.augmented.normalise(self.images[:5000])
        self.model = Network(some, widths).to(memory_format=memory_format)
        biases = [module.bias for module in self.model.modules() if isinstance(module, Norm)]
        norms = {id(bias) for bias in biases}
        others = [parameter for parameter in self.model.parameters()
                  if parameter.requires_grad and id(parameter) not in norms]
        groups = [
            {"params": others, "lr": 1.5, "weight_decay": 1.33e-3},
            {"params": biases, "lr": 96.0, "weight_decay": 2.08e-5},
        ]
        self.optimizer = sgd(groups, momentum=0.85, nesterov=True)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, partial(factor, steps=self.steps))
        self.lookahead = Lookahead(self.model)
        self.mirrored = torch.rand(len(self.images)) < 0.5

    def epoch(self) -> float:
        """Goes through the images once, or as far as the steps reach; returns the mean loss."""
        total, done = torch.zeros(()), 0
        for index in torch.randperm(len(self.images)).split(self.size):
            if len(index) < self.size or self.step == self.steps:
                break
            inputs = self.augmented.batch(self.images.index_select(0, index), self.mirrored[index])
            loss = cross_entropy(self.model(inputs), self.labels[index], label_smoothing=SMOOTHING)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            self.step += 1
            if self.step % LOOK_EVERY == 0:
                self.lookahead.look(0.95**LOOK_EVERY * (self.step / self.steps) ** 3)
            total += loss.detach()
            done += 1
        self.mirrored = ~self.mirrored
        return total.item() / max(done, 1)


def epoch(memory_format: torch.memory_format, options: Options) -> Measurement:
    """Trains on every training image once."""
    training = Training(options, memory_format, NARROW)
    start = perf_counter()
    check = training.epoch()
    return Measurement(perf_counter() - start, check, torch.get_num_threads())


def whole(memory_format: torch.memory_format, options: Options) -> Measurement:
    """Trains to the end, and scores the test images."""
    training = Training(options, memory_format, PUBLISHED)
    start, number = perf_counter(), 0
    while training.step < training.steps:
        training.model.shift.requires_grad = number < BIAS_EPOCHS
        loss = training.epoch()
        number += 1
        print(f"epoch {number}: loss {loss:.4f}, {perf_counter() - start:.0f} s", file=sys.stderr)
    training.lookahead.look(1.0)
    seconds = perf_counter() - start
    plain, augmented = accuracies(training, options.test())
    print(f"test accuracy {plain:.4f}, with test-time augmentation {augmented:.4f}", file=sys.stderr)
    return Measurement(seconds, augmented, torch.get_num_threads())


@torch.inference_mode()
def accuracies(training: Training, test: Images) -> tuple[float, float]:
    """The share of test images that are classified right, as they are and with augmentation."""
    training.model.eval()
    right = [0, 0]
    images, labels = torch.from_numpy(test.pixels), torch.from_numpy(test.labels)
    for images, labels in zip(images.split(500), labels.split(500)):
        scores = [(training.model(seen), weight) for seen, weight in training.augmented.views(images)]
        together = torch.stack([score * weight for score, weight in scores]).sum(0)
        for at, result in enumerate([scores[0][0], together]):
            right[at] += (result.argmax(1) == labels).sum().item()
    return right[0] / len(test), right[1] / len(test)


FORMATS = {"torch (contiguous)": torch.contiguous_format, "torch (channels last)": torch.channels_last}

if __name__ == "__main__":
    main({
        "airbench-epoch": {name: partial(epoch, layout) for name, layout in FORMATS.items()},
        "airbench94": {name: partial(whole, layout) for name, layout in FORMATS.items()},
    })

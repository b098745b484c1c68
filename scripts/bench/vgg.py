"""Training steps and predictions of zoo's networks (crates/cnn): the VGG-like one in widths 32-64-128, and steps of ResNet-20.

As in zoo, a block has two convolutions and pools at its end, and pixels are normalised
by channel. A step goes from a shuffled batch of u8 images to new weights. The check is the mean
loss.
"""

from __future__ import annotations

import io
import warnings
from functools import partial
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from common import CLASSES, Images, Measurement, Options, main
from training import channel_statistics, sgd

WIDTHS = (32, 64, 128)
BATCH = 128
WARM_UP, STEPS = 5, 20
PREDICT_BATCH = 250


class Network(nn.Module):
    """Convolutions with BatchNorm and ReLU; the mean over the plane; a linear layer."""

    def __init__(self, images: Images, memory_format: torch.memory_format) -> None:
        super().__init__()
        self.mean, self.deviation = channel_statistics(images.pixels)
        self.memory_format = memory_format
        layers: list[nn.Module] = []
        channels = 3
        for width in WIDTHS:
            layers += [
                convolution(channels, width),
                nn.BatchNorm2d(width), nn.ReLU(inplace=True),
                convolution(width, width),
                nn.BatchNorm2d(width), nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
            ]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(channels, CLASSES)
        self.to(memory_format=memory_format)

    def forward(self, images: Tensor) -> Tensor:
        """Scores u8 images."""
        x = images.to(torch.float32, memory_format=self.memory_format)
        x = self.layers(x.sub_(self.mean).div_(self.deviation))
        return self.linear(x.mean((2, 3)))


def convolution(channels_in: int, channels_out: int, stride: int = 1, size: int = 3) -> nn.Conv2d:
    """A convolution with He's initial weights."""
    layer = nn.Conv2d(channels_in, channels_out, size, stride, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer


class Block(nn.Module):
    """ReLU of the sum of what comes in and what two convolutions make of it."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            convolution(channels_in, channels_out, stride),
            nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True),
            convolution(channels_out, channels_out), nn.BatchNorm2d(channels_out),
        )
        self.shortcut = nn.Sequential() if stride == 1 and channels_in == channels_out else (
            nn.Sequential(convolution(channels_in, channels_out, stride, 1),
                          nn.BatchNorm2d(channels_out)))

    def forward(self, features: Tensor) -> Tensor:
        return self.branch(features).add_(self.shortcut(features)).relu_()


class Resnet(Network):
    """ResNet-20: three blocks of each of three widths."""

    def __init__(self, images: Images, memory_format: torch.memory_format) -> None:
        super().__init__(images, memory_format)
        layers: list[nn.Module] = [convolution(3, 16), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
        channels = 16
        for width in (16, 32, 64):
            for block in range(3):
                layers.append(Block(channels, width, 2 if block == 0 and width > 16 else 1))
                channels = width
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(channels, CLASSES)
        self.to(memory_format=memory_format)


def step(memory_format: torch.memory_format, options: Options,
         network: type[Network] = Network, compiled: bool = False) -> Measurement:
    """The median step of training; weights decay, biases and BatchNorm's parameters don't."""
    train = options.train()
    batch = options.batch or BATCH
    if len(train) < (WARM_UP + STEPS) * batch:
        raise SystemExit(f"{WARM_UP + STEPS} steps of {batch} need more than {len(train)} images")
    images, labels = torch.from_numpy(train.pixels), torch.from_numpy(train.labels)
    torch.manual_seed(42)
    model = network(train, memory_format).train()
    weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    decayed, plain = {"params": weights, "weight_decay": 5e-4}, {"params": others}
    optimizer = sgd([decayed, plain], lr=0.05, momentum=0.9, nesterov=True)
    scores = torch.compile(model) if compiled else model
    batches = iter(torch.randperm(len(images)).split(batch))
    seconds, losses = [], []
    for _ in range(WARM_UP + STEPS):
        start = perf_counter()
        index = next(batches)
        loss = cross_entropy(scores(images.index_select(0, index)), labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        seconds.append(perf_counter() - start)
    check = sum(losses[WARM_UP:]) / STEPS
    return Measurement(median(seconds[WARM_UP:]), check, torch.get_num_threads())


def predict(memory_format: torch.memory_format, options: Options,
            script: bool = False, compiled: bool = False) -> Measurement:
    """Scores of all test images by fresh weights; `script` folds BatchNorm into convolutions."""
    test = options.test()
    images, labels = torch.from_numpy(test.pixels), torch.from_numpy(test.labels)
    torch.manual_seed(42)
    model: nn.Module = Network(test, memory_format).eval()
    batch = options.batch or PREDICT_BATCH
    with torch.inference_mode():
        if script:
            frozen = torch.jit.freeze(torch.jit.trace(model, images[:batch]))
            model = torch.jit.optimize_for_inference(frozen)
        if compiled:
            model = torch.compile(model)
        model(images[:1])
        model(images[:batch])
        start = perf_counter()
        scores = torch.cat([model(part) for part in images.split(batch)])
        seconds = perf_counter() - start
        check = cross_entropy(scores, labels).item()
    return Measurement(seconds, check, torch.get_num_threads())


def predict_onnx(options: Options) -> Measurement:
    """The same by ONNX Runtime, which chooses layouts and folds BatchNorm by itself."""
    import onnxruntime

    test = options.test()
    images, labels = torch.from_numpy(test.pixels), torch.from_numpy(test.labels)
    torch.manual_seed(42)
    model = Network(test, torch.contiguous_format).eval()
    batch = options.batch or PREDICT_BATCH
    file = io.BytesIO()
    axes = {"images": {0: "batch"}, "scores": {0: "batch"}}
    with warnings.catch_warnings(action="ignore"):
        # The newer exporter needs two more packages, and makes the same file.
        torch.onnx.export(model, (images[:batch],), file, input_names=["images"],
                          output_names=["scores"], dynamic_axes=axes, dynamo=False)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file.getvalue(), settings,
                                           providers=["CPUExecutionProvider"])
    run = partial(session.run, ["scores"])
    run({"images": test.pixels[:1]})
    start = perf_counter()
    parts = [run({"images": part.numpy()})[0] for part in images.split(batch)]
    seconds = perf_counter() - start
    scores = torch.cat([torch.from_numpy(part) for part in parts])
    return Measurement(seconds, cross_entropy(scores, labels).item(), torch.get_num_threads())


if __name__ == "__main__":
    contiguous, channels_last = torch.contiguous_format, torch.channels_last
    main({
        "vgg-step": {
            "torch (contiguous)": partial(step, contiguous),
            "torch (channels last)": partial(step, channels_last),
            "torch (compiled)": partial(step, channels_last, compiled=True),
        },
        "resnet-step": {
            "torch (contiguous)": partial(step, contiguous, network=Resnet),
            "torch (channels last)": partial(step, channels_last, network=Resnet),
            "torch (compiled)": partial(step, channels_last, network=Resnet, compiled=True),
        },
        "vgg-predict": {
            "torch (contiguous)": partial(predict, contiguous),
            "torch (channels last)": partial(predict, channels_last),
            "torch (compiled)": partial(predict, channels_last, compiled=True),
            "torch (TorchScript)": partial(predict, channels_last, script=True),
            "onnxruntime": predict_onnx,
        },
    })

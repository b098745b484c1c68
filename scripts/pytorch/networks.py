"""zoo's networks in PyTorch: the same layers under the same names, so that `model.safetensors` loads as it is.

`network(config, classes, shape)` builds the one that a `config.toml` describes. Images are `[batch, channel, row, column]`, pixel
values 0 to 255: a network normalises for itself.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Config = dict[str, Any]
Shape = tuple[int, int, int]
Plane = tuple[int, int]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda values: values,
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": functional.gelu,
}


# The shortest side that is halved in front of a network, and the channels of the layers that do.
LONG, NARROW = 49, 16
# The shortest side that a group of airbench halves.
LEAST = 6


def halving(plane: Plane, least: int) -> Plane:
    """The window that halves sides of at least `least` pixels."""
    return (2 if plane[0] >= least else 1, 2 if plane[1] >= least else 1)


def halve(plane: Plane, least: int) -> Plane:
    down, across = halving(plane, least)
    return (plane[0] // down, plane[1] // across)


def halvings(plane: Plane) -> int:
    """How often the longer side is halved in front."""
    return 0 if max(plane) < LONG else 1 + halvings((max(plane) // 2, 0))


def pool(features: Tensor, least: int) -> Tensor:
    return functional.max_pool2d(features, halving((features.shape[2], features.shape[3]), least))


class Normalizer(nn.Module):
    """(x - mean) / scale, neither of which is trained."""

    def __init__(self, mean: list[int], channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, *mean))
        self.register_buffer("scale", torch.ones(1, channels, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.scale


class Scores(nn.Module):
    """What softmax classifier and SVM share."""

    def __init__(self, shape: Shape, classes: int) -> None:
        super().__init__()
        self.normalizer = Normalizer(list(shape), shape[0])
        self.linear = nn.Linear(shape[0] * shape[1] * shape[2], classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.linear(self.normalizer(images).flatten(1))


class Linear(nn.Module):
    """W x + b."""

    def __init__(self, shape: Shape, classes: int) -> None:
        super().__init__()
        self.scores = Scores(shape, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.scores(images)


class Mlp(nn.Module):
    """Fully connected layers with an activation between them."""

    def __init__(self, architecture: Config, shape: Shape, classes: int) -> None:
        super().__init__()
        sizes = [shape[0] * shape[1] * shape[2], *architecture["hidden"]]
        self.normalizer = Normalizer([shape[0], 1, 1], shape[0])
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in zip(sizes, sizes[1:]))
        self.dropout = nn.Dropout(architecture["dropout"])
        self.linear = nn.Linear(sizes[-1], classes)
        self.activation = ACTIVATIONS[architecture["activation"]]

    def forward(self, images: Tensor) -> Tensor:
        features = self.normalizer(images).flatten(1)
        for hidden in self.hidden:
            features = self.dropout(self.activation(hidden(features)))
        return self.linear(features)


class Layer(nn.Module):
    """A convolution with BatchNorm, or with a bias, and what follows it."""

    def __init__(
        self,
        channels: tuple[int, int],
        activation: str,
        *,
        size: int = 3,
        stride: int = 1,
        padding: int | list[int] = 1,
        normalized: bool = True,
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(*channels, size, stride, padding, bias=not normalized)
        self.norm = nn.BatchNorm2d(channels[1]) if normalized else nn.Identity()
        self.activation = ACTIVATIONS[activation]

    def forward(self, features: Tensor, pool: Callable[[Tensor], Tensor] = lambda features: features) -> Tensor:
        return self.activation(self.norm(pool(self.convolution(features))))


class Front(nn.Module):
    """What halves large images in front of a network."""

    def __init__(self, shape: Shape, activation: str, normalized: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self.shape = shape
        for _ in range(halvings(shape[1:])):
            self.layers.append(Layer((self.shape[0], NARROW), activation, normalized=normalized))
            self.shape = (NARROW, *halve(self.shape[1:], LONG))

    def forward(self, features: Tensor) -> Tensor:
        for layer in self.layers:
            features = layer(features, lambda features: pool(features, LONG))
        return features


class Vgg(nn.Module):
    """Blocks of 3×3 convolutions."""

    def __init__(self, architecture: Config, shape: Shape, classes: int) -> None:
        super().__init__()
        self.normalizer = Normalizer([shape[0], 1, 1], shape[0])
        self.pools_first = architecture["pool"] == "first"
        self.front = Front(shape, architecture["activation"], architecture["batch_norm"])
        self.blocks = nn.ModuleList()
        channels = self.front.shape[0]
        for width, depth in zip(architecture["widths"], architecture["depths"]):
            layers = nn.ModuleList()
            for _ in range(depth):
                layers.append(
                    Layer(
                        (channels, width),
                        architecture["activation"],
                        normalized=architecture["batch_norm"],
                    )
                )
                channels = width
            self.blocks.append(nn.ModuleDict({"layers": layers}))
        self.dropout = nn.Dropout(architecture["dropout"])
        self.linear = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.front(self.normalizer(images))
        for block in self.blocks:
            window = nn.MaxPool2d(halving(features.shape[2:], 2))
            for place, layer in enumerate(block["layers"]):
                pools = self.pools_first and place == 0
                features = layer(features, window) if pools else layer(features)
            if not self.pools_first:
                features = window(features)
        return self.linear(self.dropout(features.mean((2, 3))))


class Lenet(nn.Module):
    """5×5 convolutions with pooling, then linear layers."""

    def __init__(self, architecture: Config, shape: Shape, classes: int) -> None:
        super().__init__()
        activation = architecture["activation"]
        self.normalizer = Normalizer([shape[0], 1, 1], shape[0])
        kernel, padding = architecture["kernel"], architecture["padding"]
        self.front = Front(shape, activation, normalized=False)
        channels, plane = [self.front.shape[0], *architecture["widths"]], self.front.shape[1:]
        self.layers, self.windows = nn.ModuleList(), []
        for pair in zip(channels, channels[1:]):
            fits = [side + 2 * padding > kernel for side in plane]
            paddings = [padding if fit else kernel // 2 for fit in fits]
            self.layers.append(Layer(pair, activation, size=kernel, padding=paddings, normalized=False))
            self.windows.append([2 if fit else 1 for fit in fits])
            sides = zip(plane, paddings, self.windows[-1])
            plane = [(side + 2 * around - kernel + 1) // window for side, around, window in sides]
        sizes = [channels[-1] * plane[0] * plane[1], *architecture["hidden"]]
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in zip(sizes, sizes[1:]))
        self.dropout = nn.Dropout(architecture["dropout"])
        self.linear = nn.Linear(sizes[-1], classes)
        self.activation = ACTIVATIONS[activation]

    def forward(self, images: Tensor) -> Tensor:
        features = self.front(self.normalizer(images))
        for layer, window in zip(self.layers, self.windows):
            features = functional.max_pool2d(layer(features), window)
        features = features.flatten(1)
        for hidden in self.hidden:
            features = self.activation(hidden(features))
        return self.linear(self.dropout(features))


class Block(nn.Module):
    """f(x + F(x))."""

    def __init__(self, channels: tuple[int, int], stride: int, activation: str) -> None:
        super().__init__()
        self.first = Layer(channels, activation, stride=stride)
        self.second = Layer((channels[1], channels[1]), "identity")
        changes = stride > 1 or channels[0] != channels[1]
        self.shortcut = Layer(channels, "identity", size=1, stride=stride, padding=0) if changes else nn.Identity()
        self.activation = ACTIVATIONS[activation]

    def forward(self, features: Tensor) -> Tensor:
        return self.activation(self.shortcut(features) + self.second(self.first(features)))


class Resnet(nn.Module):
    """6n + 2 layers. Stochastic depth is only for training, and left out here."""

    def __init__(self, architecture: Config, shape: Shape, classes: int) -> None:
        super().__init__()
        activation, widths = architecture["activation"], architecture["widths"]
        self.normalizer = Normalizer([shape[0], 1, 1], shape[0])
        self.front = Front(shape, activation, normalized=True)
        self.stem = Layer((self.front.shape[0], widths[0]), activation)
        self.blocks = nn.ModuleList()
        channels = widths[0]
        for stage, width in enumerate(widths):
            for place in range((architecture["depth"] - 2) // 6):
                stride = 2 if stage > 0 and place == 0 else 1
                self.blocks.append(Block((channels, width), stride, activation))
                channels = width
        self.linear = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(self.front(self.normalizer(images)))
        for block in self.blocks:
            features = block(features)
        return self.linear(features.mean((2, 3)))


class Whitening(nn.Module):
    """A 2×2 convolution that is not trained, except for its bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(8 * channels, channels, 2, 2), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(8 * channels))

    def forward(self, images: Tensor) -> Tensor:
        stride = halving((images.shape[2], images.shape[3]), LONG)
        return functional.gelu(functional.conv2d(images, self.weight, self.bias, stride))


class FastLayer(nn.Module):
    """A convolution of airbench with its BatchNorm."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out, eps=1e-12, momentum=0.4)
        self.norm.weight.requires_grad = False


class Airbench(nn.Module):
    """The network of Jordan's airbench."""

    def __init__(self, architecture: Config, shape: Shape, classes: int) -> None:
        super().__init__()
        self.normalizer = Normalizer([shape[0], 1, 1], shape[0])
        self.whitening = Whitening(shape[0])
        self.front, self.groups = nn.ModuleList(), nn.ModuleList()
        down, across = (side // 2 if side >= LONG else side - 1 for side in shape[1:])
        channels, plane = 8 * shape[0], (down, across)
        front = [(self.front, NARROW, LONG)] * halvings(plane)
        for part, width, least in front + [(self.groups, width, LEAST) for width in architecture["widths"]]:
            layers = OrderedDict(first=FastLayer(channels, width), second=FastLayer(width, width))
            part.append(nn.ModuleDict(layers))
            channels, plane = width, halve(plane, least)
        down, across = (1 if side < LEAST else side // 3 for side in plane)
        self.linear = nn.Linear(channels * down * across, classes, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        features = self.whitening(self.normalizer(images))
        groups = [(group, LONG) for group in self.front] + [(group, LEAST) for group in self.groups]
        for group, least in groups:
            first, second = group["first"], group["second"]
            features = pool(first.convolution(features), least)
            features = functional.gelu(first.norm(features))
            features = functional.gelu(second.norm(second.convolution(features)))
        last = [side if side < LEAST else 3 for side in features.shape[2:]]
        return self.linear(functional.max_pool2d(features, last).flatten(1)) / 9


class Attention(nn.Module):
    """softmax(Q Kᵀ / √d) V for each head."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.heads = heads

    def forward(self, features: Tensor) -> Tensor:
        heads = [linear(features).unflatten(2, (self.heads, -1)).transpose(1, 2) for linear in (self.query, self.key, self.value)]
        return self.output(functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))


class TransformerBlock(nn.Module):
    """x + attention(norm(x)), then x + perceptron(norm(x))."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.first, self.second = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, features: Tensor) -> Tensor:
        features = features + self.attention(normalize(features))
        return features + self.second(functional.gelu(self.first(normalize(features))))


def normalize(features: Tensor) -> Tensor:
    return functional.layer_norm(features, features.shape[-1:])


def patch_side(patch: int, side: int) -> int:
    """Pixels along a side of a patch: more where the image has more than 48, fewer where it would have fewer than four patches."""
    rest = side
    while rest > 48:
        patch, rest = 2 * patch, -(-rest // 2)
    while patch > 1 and side < 4 * patch:
        patch //= 2
    return patch


class Vit(nn.Module):
    """Patches that look at each other."""

    def __init__(self, architecture: Config, shape: Shape, classes: int) -> None:
        super().__init__()
        width = architecture["width"]
        self.size = [patch_side(architecture["patch"], side) for side in shape[1:]]
        grid = [-(-side // size) for side, size in zip(shape[1:], self.size)]
        self.missing = [rows * size - side for rows, size, side in zip(grid, self.size, shape[1:])]
        self.normalizer = Normalizer([shape[0], 1, 1], shape[0])
        self.embedding = nn.Linear(shape[0] * self.size[0] * self.size[1], width)
        self.register_buffer("positions", torch.zeros(*grid, width))
        parts = [architecture[key] for key in ("heads", "hidden")]
        self.blocks = nn.ModuleList(TransformerBlock(width, *parts) for _ in range(architecture["depth"]))
        self.linear = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        images = functional.pad(self.normalizer(images), (0, self.missing[1], 0, self.missing[0]))
        patches = functional.unfold(images, self.size, stride=self.size).transpose(1, 2)
        features = self.embedding(patches) + self.positions.flatten(0, 1)
        for block in self.blocks:
            features = block(features)
        return self.linear(normalize(features).mean(1))


NETWORKS = {"vgg": Vgg, "lenet": Lenet, "resnet": Resnet, "airbench": Airbench}


def network(config: Config, shape: Shape, classes: int) -> nn.Module:
    """The network of a `config.toml`, with weights that are still to be loaded."""
    match config["model"]:
        case "softmax" | "svm":
            return Linear(shape, classes)
        case "mlp":
            return Mlp(config["architecture"], shape, classes)
        case "vit":
            return Vit(config["architecture"], shape, classes)
        case "cnn":
            return NETWORKS[config["architecture"]["kind"]](config["architecture"], shape, classes)
        case other:
            raise SystemExit(f"{other} has no weights")

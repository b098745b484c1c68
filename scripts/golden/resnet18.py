"""Writes tests/golden/resnet18.{pth,safetensors,json}: a ResNet-18 of few channels as PyTorch saves it, and its features.

    python3 scripts/golden/resnet18.py        (needs torch, torchvision and safetensors)

The network is torchvision's with other widths: names, shapes and order of its tensors are compared with torchvision's own. Images are drawn
by a formula that the test repeats.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet18

HERE = Path("tests/golden")
WIDTHS = [4, 4, 8, 8]
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        residual = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (residual + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet18(nn.Module):
    def __init__(self, widths, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        inputs = widths[0]
        for number, outputs in enumerate(widths, 1):
            stride = 1 if number == 1 else 2
            blocks = BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1)
            setattr(self, f"layer{number}", nn.Sequential(*blocks))
            inputs = outputs
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return x.mean((2, 3))


def image(channels, height, width):
    """Pixels from 0 to 255 that the test draws as well."""
    values = [(at * at * 7 + at * 31) % 256 for at in range(channels * height * width)]
    return torch.tensor(values, dtype=torch.float32).reshape(1, channels, height, width)


theirs = resnet18()
ours = ResNet18([64, 128, 256, 512], 1000)
shapes = [[(name, tensor.shape) for name, tensor in model.state_dict().items()] for model in (theirs, ours)]
assert shapes[0] == shapes[1], "torchvision's network has other tensors"
ours.load_state_dict(theirs.state_dict())
theirs.fc = nn.Identity()
x = torch.randn(2, 3, 64, 48)
assert torch.allclose(theirs.eval()(x), ours.eval()(x), atol=1e-5), "torchvision's network computes something else"

torch.manual_seed(5)
model = ResNet18(WIDTHS, 3)
for module in model.modules():
    if isinstance(module, nn.BatchNorm2d):
        nn.init.uniform_(module.weight, 0.5, 1.5)
        nn.init.normal_(module.bias, std=0.2)
        nn.init.normal_(module.running_mean, std=0.2)
        nn.init.uniform_(module.running_var, 0.5, 2.0)
model.eval()
HERE.mkdir(parents=True, exist_ok=True)
torch.save(model.state_dict(), HERE / "resnet18.pth")
save_file(model.state_dict(), HERE / "resnet18.safetensors")
cases = []
for channels, height, width in [(3, 32, 32), (3, 75, 50), (1, 40, 33), (3, 16, 20)]:
    x = image(channels, height, width)
    if min(height, width) < 32:
        size = [side * 32 // min(height, width) for side in (height, width)]
        x = nn.functional.interpolate(x, size=size, mode="bilinear", antialias=True)
    x = x.expand(1, 3, -1, -1) / 255
    x = (x - torch.tensor(MEAN).reshape(1, 3, 1, 1)) / torch.tensor(DEVIATION).reshape(1, 3, 1, 1)
    with torch.no_grad():
        features = model(x).flatten().tolist()
    cases.append({"shape": [channels, height, width], "features": features})
(HERE / "resnet18.json").write_text(json.dumps(cases, indent=1) + "\n")

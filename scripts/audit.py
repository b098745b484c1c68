#!/usr/bin/env python3
"""How often `zoo data audit` is right: copies of CIFAR-10's images that are made here, and labels that are changed here.

    pip install numpy pillow
    cargo build --release
    scripts/audit.py --zoo target/release/zoo --data-dir data copies|labels|shapes-labels

`copies`: test images are replaced by copies of training images, 250 of each kind; how many of them are found.
`labels`: of CIFAR-10's 10,000 test images, a twentieth gets another label; how many of the first 100 suspects are those.
`shapes-labels`: the same with shapes10's 12,000 images.
"""
import argparse
import io
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from PIL import Image

EACH = 250


def read(path):
    rows = np.fromfile(path, np.uint8).reshape(-1, 3073)
    return rows[:, 0], rows[:, 1:].reshape(-1, 3, 32, 32)


def write(folder, train, test, names):
    """Writes (labels, images) as CIFAR-10's binary batches."""
    folder.mkdir()
    pack = lambda labels, images: np.hstack([labels[:, None], images.reshape(len(images), -1)]).astype(np.uint8)
    for number, rows in enumerate(np.array_split(pack(*train), 5), 1):
        rows.tofile(folder / f"data_batch_{number}.bin")
    pack(*test).tofile(folder / "test_batch.bin")
    (folder / "batches.meta.txt").write_text("\n".join(names) + "\n")


def picture(pixels):
    return Image.fromarray(pixels.transpose(1, 2, 0))


def planes(image):
    return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def jpeg(pixels, quality):
    file = io.BytesIO()
    picture(pixels).save(file, "JPEG", quality=quality)
    return planes(Image.open(file))


def shift(pixels, down, across):
    wide = np.pad(pixels, ((0, 0), (2, 2), (2, 2)), "edge")
    return wide[:, 2 - down : 34 - down, 2 - across : 34 - across]


def scale(pixels, values, by=1.0):
    return np.clip(pixels.astype(float) * by + values, 0, 255).astype(np.uint8)


def halve(pixels):
    return planes(picture(pixels).resize((16, 16), Image.BILINEAR).resize((32, 32), Image.BILINEAR))


def crop(pixels):
    return planes(picture(pixels).crop((1, 1, 31, 31)).resize((32, 32), Image.BILINEAR))


COPIES = {
    "JPEG, quality 60": lambda image: jpeg(image, 60),
    "JPEG, quality 30": lambda image: jpeg(image, 30),
    "down and right by 2 pixels": lambda image: shift(image, 2, 2),
    "up by 2 pixels": lambda image: shift(image, -2, 0),
    "brightness + 10": lambda image: scale(image, 10),
    "brightness - 10": lambda image: scale(image, -10),
    "contrast x 1.2": lambda image: scale(image, -25, 1.2),
    "grey": lambda image: planes(picture(image).convert("L")),
    "halved and doubled in size": halve,
    "by 1 pixel, JPEG, quality 30": lambda image: jpeg(shift(image, 1, 1), 30),
    "middle 30x30 pixels enlarged": crop,
    "mirrored": lambda image: image[:, :, ::-1],
}


def audit(zoo, folder, *options):
    command = [zoo, "data", "audit", "--data", folder, "--out", folder.parent / "runs", "--json", *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["findings"]


def copies(zoo, train, names, place):
    rng = np.random.default_rng(1)
    chosen = rng.choice(len(train[0]), EACH * len(COPIES), replace=False)
    kinds = [kind for kind in COPIES for _ in range(EACH)]
    images = np.stack([COPIES[kind](train[1][index]) for kind, index in zip(kinds, chosen)])
    write(place / "copies", train, (train[0][chosen], images), names)
    size = len(train[0]) // 5
    name = lambda index: f"data_batch_{index // size + 1}/{index % size}"
    wanted = {(name(index), f"test_batch/{at}"): at for at, index in enumerate(chosen)}
    found = set()
    for finding in audit(zoo, place / "copies"):
        if finding["kind"] in ("near-duplicate", "exact-duplicate"):
            images = [image["image"] for image in finding["images"]]
            found.update(wanted[pair] for a in images for b in images if (pair := (a, b)) in wanted)
    for number, kind in enumerate(COPIES):
        count = sum(at // EACH == number for at in found)
        print(f"| {kind} | {100 * count / EACH:.1f} % |")


def labels(zoo, whole, names, place):
    rng = np.random.default_rng(1)
    given, images = whole
    flipped = rng.random(len(given)) < 0.05
    noisy = np.where(flipped, (given + rng.integers(1, len(names), len(given))) % len(names), given)
    half = len(given) // 2
    write(place / "labels", (noisy[:half], images[:half]), (noisy[half:], images[half:]), names)
    size = half // 5
    wrong = {f"data_batch_{i // size + 1}/{i % size}" if i < half else f"test_batch/{i - half}" for i in np.flatnonzero(flipped)}
    findings = [finding for finding in audit(zoo, place / "labels") if finding["kind"] == "likely-wrong-label"]
    right = np.array([finding["images"][0]["image"] in wrong for finding in findings])
    print(f"{flipped.sum()} of {len(given)} labels are wrong; {len(findings)} are suspected, {right.sum()} of them rightly")
    for most in (50, 100, 200, 500):
        if most <= len(right):
            print(f"of the first {most}: {100 * right[:most].mean():.0f} %")
    values = np.array([finding["value"] for finding in findings])
    for least in (6, 9, 12, 15, 20):
        chosen = right[values >= least]
        print(f"from {least}: {len(chosen)} suspected, {100 * chosen.mean() if len(chosen) else 0:.0f} % rightly")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["copies", "labels", "shapes-labels"])
    parser.add_argument("--zoo", type=pathlib.Path, default="target/release/zoo")
    parser.add_argument("--data-dir", type=pathlib.Path, default="data")
    arguments = parser.parse_args()
    arguments.zoo = arguments.zoo.resolve()
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        folder = arguments.data_dir / "cifar-10-batches-bin"
        if arguments.what == "shapes-labels":
            folder = place / "shapes10"
            subprocess.run([arguments.zoo, "data", "export", folder, "--format", "binary"], check=True)
        names = (folder / "batches.meta.txt").read_text().split()
        parts = [read(folder / f"data_batch_{number}.bin") for number in range(1, 6)]
        train = tuple(np.concatenate(part) for part in zip(*parts))
        test = read(folder / "test_batch.bin")
        if arguments.what == "copies":
            copies(arguments.zoo, train, names, place)
        elif arguments.what == "labels":
            labels(arguments.zoo, test, names, place)
        else:
            labels(arguments.zoo, tuple(np.concatenate(part) for part in zip(train, test)), names, place)


if __name__ == "__main__":
    main()

"""Writes tests/golden/{photos,broken}.tar, folders of strange photos, and tests/golden/photos.json, how Pillow reads them.

    python3 scripts/golden/photos.py                (needs pillow and numpy; written with Pillow 13.0.0)
    python3 scripts/golden/photos.py --check        reads the archives that are there and compares with the JSON that is there

The archives hold the folders `photos` and `broken`; scripts/golden/strange_photos.py draws what is in them. Same versions of the
libraries, same bytes. Each photo's pixels are compared with the picture that was drawn before they are written. The JSON says in
`about` what its figures are.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import tarfile
import tempfile
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image, ImageOps

from strange_photos import Item, Pixels, broken, photos

HERE = Path("tests/golden")
FIGURES = HERE / "photos.json"
#: Up to this side, all pixels are kept; beyond, GRID × GRID of them.
WHOLE, GRID = 32, 16
ABOUT = {
    "files": "by their path inside of `photos` of photos.tar and `broken` of broken.tar, sorted by the bytes of UTF-8;"
    " the first folder is the class",
    "order": "decode, the first frame only; scale 16 bits to 8; turn as the EXIF orientation says; composite on white; RGB;"
    " resize",
    "16 bits": "round(v * 255 / 65535); v >> 8 is at most 1 away",
    "alpha": "round((colour * alpha + 255 * (255 - alpha)) / 255)",
    "mode": "what Pillow calls the pixels as they are stored",
    "lossy": "another decoder may round differently",
    "width, height": "of the upright picture",
    "rgb": f"where neither side is longer than {WHOLE}: the RGB bytes, row by row, in base64",
    "sample": "of larger ones: [x, y, red, green, blue] at"
    f" x = i * (width - 1) // {GRID - 1}, y = j * (height - 1) // {GRID - 1}, each place once",
    "prepared": "the RGB bytes of N × N pixels, row by row, in base64; W × H is the upright picture",
    "BILINEAR": "Pillow's: a triangle of half width max(1, scale); rows first, rounded half up to 8 bits, then columns likewise;"
    " without rounding in between, values are at most 1 away",
    "cropN": "s = min(W, H); box = ((W - s) / 2, (H - s) / 2, (W + s) / 2, (H + s) / 2); resize((N, N), BILINEAR, box):"
    " one resize, with antialiasing; the filter reaches over the edges of the box as far as the picture goes",
    "padN": "w = max(1, round(W * N / max(W, H))), h likewise; resize((w, h), BILINEAR),"
    " pasted at ((N - w) // 2, (N - h) // 2) on white",
    "stretchN": "resize((N, N), BILINEAR)",
    "left_out": "why the file is no photo to read",
    "pillow_error": "what Pillow says to a broken file, null if it reads it",
}


def pack(items: list[Item], folder: str) -> bytes:
    """A tar archive that is the same whenever it is written: sorted, without times and owners."""
    file = io.BytesIO()
    parents = {folder} | {f"{folder}/{parent}" for item in items for parent in Path(item.path).parents if parent.name}
    entries = {parent: Item(parent, "", folder=True) for parent in parents} | {f"{folder}/{item.path}": item for item in items}
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8") as archive:
        for path in sorted(entries, key=str.encode):
            item, entry = entries[path], tarfile.TarInfo(path)
            entry.mode = 0o755 if item.folder else 0o644
            entry.type = tarfile.DIRTYPE if item.folder else tarfile.SYMTYPE if item.link else tarfile.REGTYPE
            entry.linkname, entry.size = item.link or "", len(item.data)
            archive.addfile(entry, io.BytesIO(item.data))
    return file.getvalue()


def deep_pixels(path: Path) -> np.ndarray:
    """The 16 bits of an RGB PNG as `deep_png` writes it, with one IDAT and no filters. Pillow reads the upper eight only."""
    data = path.read_bytes()
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    start = data.index(b"IDAT") + 4
    rows = np.frombuffer(zlib.decompress(data[start:-16]), np.uint8).reshape(height, 1 + 6 * width)
    assert not rows[:, 0].any()
    return rows[:, 1:].copy().view(">u2").reshape(height, width, 3)


def eight_bits(values: np.ndarray) -> Image.Image:
    """Pixels of 16 bits as an image of 8."""
    return Image.fromarray(np.rint(values * (255 / 65535)).astype(np.uint8))


def on_white(image: Image.Image) -> Image.Image:
    """An RGB image; what is transparent shows white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def read(path: Path) -> tuple[Image.Image, str]:
    """A photo as it should be seen, RGB, and the mode that Pillow opens it in."""
    with Image.open(path) as image:
        mode = image.mode
        halved = image.format == "PNG" and image.tile[0].args == "RGB;16B"
        image.load()
        image = ImageOps.exif_transpose(image)
    if halved:
        image, truncated = eight_bits(deep_pixels(path)), np.array(image, int)
        assert np.abs(np.array(image, int) - truncated).max() <= 1
    elif mode.startswith("I"):
        image = eight_bits(np.array(image))
    return on_white(image), mode


def crop(image: Image.Image, side: int) -> Image.Image:
    """The largest square in the middle."""
    (width, height), square = image.size, min(image.size)
    box = ((width - square) / 2, (height - square) / 2, (width + square) / 2, (height + square) / 2)
    return image.resize((side, side), Image.Resampling.BILINEAR, box=box, reducing_gap=None)


def pad(image: Image.Image, side: int) -> Image.Image:
    """All of the picture, between white bars."""
    width, height = (max(1, round(length * side / max(image.size))) for length in image.size)
    canvas = Image.new("RGB", (side, side), "white")
    canvas.paste(
        image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=None), ((side - width) // 2, (side - height) // 2)
    )
    return canvas


def stretch(image: Image.Image, side: int) -> Image.Image:
    """All of the picture, out of proportion."""
    return image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=None)


def text(image: Image.Image) -> str:
    """The RGB bytes in base64."""
    assert image.mode == "RGB"
    return base64.b64encode(image.tobytes()).decode()


def pixels(image: Image.Image) -> dict[str, Any]:
    """All pixels of a small picture, some of a large one."""
    if max(image.size) <= WHOLE:
        return {"rgb": text(image)}
    columns, rows = (sorted({place * (length - 1) // (GRID - 1) for place in range(GRID)}) for length in image.size)
    return {"sample": [[x, y, *image.getpixel((x, y))] for y in rows for x in columns]}


def shown(meant: Pixels) -> np.ndarray:
    """What a drawn picture should look like, by the formulas of ABOUT."""
    if meant.dtype == np.uint16:
        meant = np.rint(meant * 255.0 / 65535)
    meant = meant.astype(float)
    if meant.shape[-1] == 3:
        return meant
    alpha = meant[..., 3:]
    return np.rint((meant[..., :3] * alpha + 255 * (255 - alpha)) / 255)


def verify(item: Item, image: Image.Image) -> None:
    """Fails unless the picture that was read is the one that was drawn."""
    expected = shown(item.meant)
    assert expected.shape[1::-1] == image.size, f"{item.path} has {image.size} pixels, drawn were {expected.shape[1::-1]}"
    difference = np.abs(np.array(image) - expected).max()
    assert difference <= item.within, f"{item.path} differs by {difference} from what was drawn, {item.within} at most"


def photo(item: Item, path: Path, preparing: bool) -> dict[str, Any]:
    """What there is to say about a file; whole photos next to broken ones aren't prepared."""
    about: dict[str, Any] = {"kind": item.kind} | ({"link": item.link} if item.link else {})
    if item.left_out:
        return about | {"left_out": item.left_out}
    if item.damage:
        return about | damage(path)
    image, mode = read(path)
    verify(item, image)
    about |= {"mode": mode, "lossy": item.within > 0, "width": image.width, "height": image.height} | pixels(image)
    if not preparing:
        return about
    ways = {"crop32": crop(image, 32), "pad32": pad(image, 32), "stretch32": stretch(image, 32), "crop64": crop(image, 64)}
    return about | {"prepared": {way: text(prepared) for way, prepared in ways.items()}}


def damage(path: Path) -> dict[str, Any]:
    """What Pillow says to a broken file."""
    try:
        read(path)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return {"pillow_error": f"{type(error).__name__}: {error}".replace(str(path), path.name)}
    return {"pillow_error": None}


def figures(folders: dict[str, list[Item]], archives: dict[str, bytes]) -> dict[str, Any]:
    """Reads all files of the archives."""
    document: dict[str, Any] = {"about": ABOUT, "pillow": PIL.__version__}
    for name, items in folders.items():
        with tempfile.TemporaryDirectory() as place:
            with tarfile.open(fileobj=io.BytesIO(archives[name])) as archive:
                archive.extractall(place, filter="data")
            document[name] = {item.path: photo(item, Path(place) / name / item.path, name == "photos") for item in items}
    return document


def written(document: dict[str, Any]) -> str:
    """JSON in ASCII, with a line for each file."""

    def lines(part: Any) -> str:
        if not isinstance(part, dict):
            return json.dumps(part)
        return (
            "{\n"
            + ",\n".join(f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in part.items())
            + "\n}"
        )

    return "{\n" + ",\n".join(f"{json.dumps(key)}:{lines(part)}" for key, part in document.items()) + "\n}\n"


def main() -> None:
    """Writes the three files, or compares them with what would be written."""
    warnings.simplefilter("ignore")
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    folders = {"photos": photos(), "broken": broken()}
    files = {name: HERE / f"{name}.tar" for name in folders}
    if not check:
        for name, items in folders.items():
            files[name].write_bytes(pack(items, name))
    document = figures(folders, {name: file.read_bytes() for name, file in files.items()})
    if not check:
        FIGURES.write_text(written(document), encoding="ascii")
    found = json.loads(FIGURES.read_text(encoding="ascii"))
    assert found == json.loads(written(document)), f"{FIGURES} says something else"
    for file in (*files.values(), FIGURES):
        print(f"{file}: {file.stat().st_size:,} bytes")
    print({name: len(found[name]) for name in folders}, "files")


if __name__ == "__main__":
    main()

"""The licences of what is compiled into the program."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

#: The names of files with licences, copyright and what has to be told.
NAMES = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense|ofl|ufl)([-_. ].*)?", re.IGNORECASE)
#: The endings of files with such names that are code. Others, as in LICENSE.MIT or LICENSE-Apache-2.0, belong to a name.
CODE = {".rs", ".c", ".h", ".py", ".js", ".json", ".toml", ".svg", ".png"}


def cargo(root: Path, *words: str) -> str:
    """What cargo prints."""
    return subprocess.run(["cargo", *words], cwd=root, stdout=subprocess.PIPE, check=True).stdout.decode()


def texts(folder: Path) -> list[str]:
    """The licences in a package; those of files that it has from others lie deeper."""
    found = (path for path in sorted(folder.rglob("*")) if NAMES.fullmatch(path.name) and path.is_file())
    plain = (path for path in found if path.suffix.lower() not in CODE)
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in plain]


def third_party(root: Path, host: str) -> tuple[int, str]:
    """How many packages of others are in the program for `host`, and a text with their names and licences."""
    tree = cargo(root, "tree", "--locked", "--package", "zoo-runner", "--edges", "normal", "--target", host,
                 "--prefix", "none", "--format", "{p}")
    used = {tuple(line.split()[:2]) for line in tree.splitlines() if line.strip()}
    metadata = json.loads(cargo(root, "metadata", "--locked", "--format-version", "1", "--filter-platform", host))
    packages = [package for package in metadata["packages"]
                if package["source"] and (package["name"], f"v{package['version']}") in used]
    packages.sort(key=lambda package: (package["name"], package["version"]))
    shared: dict[str, list[str]] = {}
    lines = []
    for package in packages:
        title = f"{package['name']} {package['version']}"
        authors = ", ".join(package["authors"])
        lines.append(f"{title}: {package['license'] or 'see below'}{f'; {authors}' if authors else ''}")
        for text in dict.fromkeys(texts(Path(package["manifest_path"]).parent)):
            shared.setdefault(text, []).append(title)
    parts = ["zoo contains these packages, under these licences. Their texts are below, as far as the packages have them.",
             "\n".join(lines)]
    parts += [f"{'=' * 80}\n{', '.join(titles)}\n{'=' * 80}\n\n{text}" for text, titles in shared.items()]
    return len(packages), "\n\n".join(parts) + "\n"

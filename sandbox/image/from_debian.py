"""Make the image's file system out of Debian's packages: needs mmdebstrap, and no registry of images.

The result is a tar file, which `docker import` turns into an image and bubblewrap uses unpacked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from sandbox.errors import SandboxUnavailable
from sandbox.image import store
from sandbox.image.recipe import Recipe, header_script
from sandbox.image.sources import source_lines

BUILD_TIMEOUT_S = 1800.0
TAIL_LINES = 30
"""Of a failed build's output, shown in the error."""
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
"""Nobody reads them in the image."""
OPTIONS = (
    "--variant=minbase",
    "--dpkgopt=force-unsafe-io",
    '--aptopt=Acquire::Languages "none"',
    # Java's packages link into it, and fail without it.
    '--essential-hook=mkdir -p "$1/usr/share/man/man1"',
)


def build_tar(made: Recipe, target: Path) -> None:
    """Write the image's file system to a tar file.

    Args:
        made: Its `source` is the code name of a release of Debian that this machine has package sources for.
        target: The file; it is replaced.

    Raises:
        SandboxUnavailable: If mmdebstrap is missing or fails.
    """
    program = shutil.which("mmdebstrap")
    if program is None:
        raise SandboxUnavailable("`--from-debian` needs mmdebstrap: apt install mmdebstrap")
    with tempfile.TemporaryDirectory(prefix="grpo-sandbox-build-") as folder:
        sources = Path(folder, "sources.list")
        sources.write_text("\n".join(source_lines(made.source)) + "\n", encoding="utf-8")
        hook = Path(folder, "headers.sh")
        hook.write_text(header_script(), encoding="utf-8")
        command = [program, *OPTIONS, *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT)]
        command += [f"--include={','.join(made.packages)}", f'--customize-hook=chroot "$1" sh -s < {hook}']
        run_quietly([*command, "--format=tar", made.source, str(target), str(sources)])


def unpack(tar: Path, made: Recipe) -> Path:
    """Unpack the tar file as a root folder for bubblewrap, and only then give it its name; return it.

    Raises:
        SandboxUnavailable: If that fails.
    """
    folder = store.root_folder(made)
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        run_quietly(["tar", "--exclude=./dev/*", "--no-same-owner", "-xf", str(tar), "-C", str(half)])
        half.chmod(0o755)
        (half / store.ROOT_LABEL).write_text(store.label(made), encoding="utf-8")
        os.rename(half, folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return folder


def run_quietly(command: list[str]) -> None:
    """Run a command of the build.

    Raises:
        SandboxUnavailable: If it fails; the text ends in the last lines that it wrote.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=BUILD_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise SandboxUnavailable(f"{command[0]} was stopped after {BUILD_TIMEOUT_S:.0f} s.") from error
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-TAIL_LINES:])
        raise SandboxUnavailable(f"{command[0]} failed with exit code {done.returncode}:\n{tail}")

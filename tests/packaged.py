"""The built package, installed away from the repository, and a read-only system to run it in."""

from __future__ import annotations

import os
import shlex
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = ("bot", "reports", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")
NOBODY = 64321
"""A user and a group without any rights, which the system has no entry for: so no home either."""


def build(hook: str, folder: Path) -> Path:
    """Build a copy of the sources with a hook of setuptools; the file, in `folder`."""
    copy, out = folder / "sources", folder / "dist"
    if not copy.exists():
        copy.mkdir(parents=True)
        for name in SOURCES:
            place = ROOT / name
            if place.is_dir():
                junk = shutil.ignore_patterns("__pycache__")
                shutil.copytree(place, copy / name, ignore=junk)
            else:
                shutil.copyfile(place, copy / name)
    out.mkdir(exist_ok=True)
    told = f"import setuptools.build_meta as build; build.{hook}({str(out)!r})"
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    [made] = out.glob("*.whl" if hook == "build_wheel" else "*.tar.gz")
    return made


@dataclass(frozen=True)
class Installed:
    """An environment with the package and without the repository."""

    folder: Path
    libraries: tuple[str, ...]
    """Where the dependencies are, which are not installed again."""

    @property
    def command(self) -> str:
        return str(self.folder / "bin" / "activity")


def installed(wheel: Path, folder: Path) -> Installed:
    """Install a wheel into a new environment that shares the dependencies of this one."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet",
               "--no-index", "--no-deps", str(wheel)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    inside = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    libraries = tuple(name for name in _site_packages() if Path(name).is_dir())
    # a .pth in a folder that a .pth names is not read, so the repository stays out of it
    (inside / "dependencies.pth").write_text("\n".join(libraries))
    return Installed(folder, libraries)


def _site_packages() -> list[str]:
    found = [*site.getsitepackages()]
    # a development environment may itself share the packages of another one
    found += [name for name in sys.path if name.endswith("site-packages") and name not in found]
    return found


@cache
def can_seal() -> bool:
    """Whether this machine lets us mount: only root may, and not in every container."""
    if os.geteuid() != 0 or not all(shutil.which(name) for name in ("unshare", "setpriv")):
        return False
    tried = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def sealed(home: Installed, data: Path, words: list[str]) -> list[str]:
    """A command in a root of its own that is read-only, as a user without rights.

    Only `data` (seen as /data) and /tmp can be written; there is no home and no repository.
    """
    os.chown(data, NOBODY, NOBODY)
    for path in data.iterdir():
        os.chown(path, NOBODY, NOBODY)
    system = [f"/{name}" for name in ("usr", "bin", "sbin", "lib", "lib64", "etc", "proc", "dev")]
    shared = {*system, sys.base_prefix, str(home.folder), *home.libraries}
    root = "/mnt"
    steps = [
        "mount --make-rprivate /",
        f"mount -t tmpfs -o mode=755 tmpfs {root}",
        f"mkdir {root}/data {root}/tmp",
        f"mount --bind {shlex.quote(str(data))} {root}/data",
        f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp",
    ]
    for place in sorted(path for path in shared if Path(path).exists()):
        if Path(place).is_symlink():
            steps.append(
                f"ln -s {shlex.quote(str(Path(place).readlink()))} {root}{shlex.quote(place)}"
            )
        elif not any(place.startswith(f"{other}/") for other in shared - {place}):
            there = f"{root}{shlex.quote(place)}"
            steps += [f"mkdir -p {there}", f"mount --rbind {shlex.quote(place)} {there}"]
            if place not in {"/proc", "/dev"}:
                steps.append(f"mount -o remount,ro,bind {there}")
    steps.append(f"mount -o remount,ro {root}")
    nobody = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups --no-new-privs"
    then = shlex.quote(f"cd / && exec {shlex.join(words)}")
    steps.append(f"exec chroot {root} {nobody} sh -c {then}")
    return ["unshare", "--mount", "sh", "-c", " && ".join(steps)]

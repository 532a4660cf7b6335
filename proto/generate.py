"""Compile proto/ into libs/common; with --check, fail when the committed code is stale."""

import argparse
import filecmp
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent
TARGET = ROOT.parent / "libs/common/src"


def compile_into(target: Path) -> None:
    """Write the message, type and service modules of every contract below target."""
    sources = sorted(str(path) for path in ROOT.glob("ratchet/v1/*.proto"))
    well_known = str(resources.files("grpc_tools") / "_proto")
    options = [
        f"-I{ROOT}",
        f"-I{well_known}",
        *(f"--{kind}={target}" for kind in ("python_out", "pyi_out", "grpc_python_out")),
    ]
    if protoc.main(["protoc", *options, *sources]) != 0:
        sys.exit("protoc refused the contracts; see the message above")
    (target / "ratchet/v1/__init__.py").write_text(
        '"""Generated from proto/ratchet/v1 by `make proto`; do not edit."""\n'
    )


def stale_files() -> list[str]:
    """Return the generated files that differ from what the contracts compile to."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        compile_into(fresh)
        names = {
            path.name
            for root in (fresh, TARGET)
            for path in (root / "ratchet/v1").glob("*.py*")
            if path.is_file()
        }
        _, mismatch, errors = filecmp.cmpfiles(
            fresh / "ratchet/v1", TARGET / "ratchet/v1", sorted(names), shallow=False
        )
        return sorted([*mismatch, *errors])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare, do not write")
    if parser.parse_args().check:
        if stale := stale_files():
            sys.exit(f"generated code is stale, run `make proto`: {', '.join(stale)}")
        return
    compile_into(TARGET)


if __name__ == "__main__":
    main()

"""Start the box: `python3 -s -B <this folder> [options]`; see `setting.parser`."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys

_PACKAGE = "_box"


def _main() -> int:
    """Load this folder as a package, without any folder of ours among those where programs' imports look."""
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
    start = os.path.join(folder, "__init__.py")
    spec = importlib.util.spec_from_file_location(_PACKAGE, start, submodule_search_locations=[folder])
    if spec is None:
        raise ImportError(f"{folder} is not the box's folder: it has no __init__.py")
    sys.modules[_PACKAGE] = importlib.util.module_from_spec(spec)
    if sys.argv[1:2] == ["--zygote"]:
        importlib.import_module(f"{_PACKAGE}.zygote").main(**json.loads(sys.argv[2]))
    options = importlib.import_module(f"{_PACKAGE}.setting").parser().parse_args()
    status: int = importlib.import_module(f"{_PACKAGE}.supervisor").main(options)
    return status


sys.exit(_main())

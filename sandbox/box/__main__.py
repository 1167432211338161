"""Start the box: `python3 -I <this folder> [options]`; see `setting.parser`."""

from __future__ import annotations

import json
import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def _main() -> int:
    # Started as a folder, this file is no part of a package, and the folder itself is where imports look first: then
    # our `values` or `calls` would stand in for a program's own.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != _FOLDER]
    sys.path.insert(0, os.path.dirname(_FOLDER))
    package = os.path.basename(_FOLDER)
    setting = __import__(f"{package}.setting", fromlist=["parser"])
    options = setting.parser().parse_args()
    name = "zygote" if options.zygote else "supervisor"
    module = __import__(f"{package}.{name}", fromlist=["main"])
    sys.path.pop(0)
    if options.zygote:
        module.main(**json.loads(options.zygote))
    status: int = module.main(options)
    return status


sys.exit(_main())

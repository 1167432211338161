"""Time the official IFEval checker on a file of responses: `peer_ifeval.py FOLDER_OF_ITS_PACKAGE DATA.jsonl.gz`.

Prints one JSON object: CPU seconds of the strict and of the loose pass over all rows, the number of rows, and how many
strict verdicts are those of the data's labels. Runs in an environment of its own. Its tokenizer's model comes out of
the package llama-index-core, since NLTK itself would download it; the checker asks for an older form of it, which is
handed over here.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
import time
from pathlib import Path

import nltk
from nltk.tokenize.punkt import PunktTokenizer

PACKAGE = "instruction_following_eval"


def main(home: str, data: str) -> None:
    """Score every row and print what it took."""
    _give_tokenizer()
    sys.path.insert(0, home)
    library = importlib.import_module(f"{PACKAGE}.evaluation_lib")
    with gzip.open(data, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    inputs = [library.InputExample(r["key"], r["instruction_id_list"], r["prompt"], r["kwargs"]) for r in rows]
    library.test_instruction_following_strict(inputs[0], {rows[0]["prompt"]: rows[0]["response"]})  # loads its models
    seconds, said = {}, {}
    for strictness in ("strict", "loose"):
        score = getattr(library, f"test_instruction_following_{strictness}")
        started = time.process_time()
        said[strictness] = [score(asked, {r["prompt"]: r["response"]}) for asked, r in zip(inputs, rows, strict=True)]
        seconds[strictness] = time.process_time() - started
    same = sum(each.follow_instruction_list == r["strict"] for each, r in zip(said["strict"], rows, strict=True))
    print(json.dumps({"cpu_s": seconds, "rows": len(rows), "same": same}))


def _give_tokenizer() -> None:
    spec = importlib.util.find_spec("llama_index")
    for folder in (spec.submodule_search_locations if spec is not None else None) or ():
        nltk.data.path.insert(0, str(Path(folder) / "core" / "_static" / "nltk_cache"))
    tokenizer = PunktTokenizer("english")
    load = nltk.data.load
    nltk.data.load = lambda name, *args, **kwargs: tokenizer if "punkt" in name else load(name, *args, **kwargs)
    nltk.download = lambda *_args, **_kwargs: True


if __name__ == "__main__":
    main(*sys.argv[1:])

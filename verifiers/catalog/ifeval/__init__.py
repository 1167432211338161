"""The IFEval teacher: see `teacher.py`."""

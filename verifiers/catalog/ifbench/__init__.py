"""The IFBench teacher: see `teacher.py`."""

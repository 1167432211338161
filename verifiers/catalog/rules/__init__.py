"""The rules teacher: see `teacher.py`."""

"""The math teacher: see `teacher.py`."""

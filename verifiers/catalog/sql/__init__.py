"""The sql teacher: see `teacher.py`."""

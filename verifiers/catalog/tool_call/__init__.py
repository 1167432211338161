"""The tool_call teacher: see `teacher.py`."""

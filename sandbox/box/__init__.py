"""What runs inside a sandbox: standard library only, Python 3.9 or newer, no import from outside this folder.

`frames` is the one module that the host imports too. The folder is started as it is: `python3 -I <folder> [options]`.
"""

"""The command line, `verify`."""

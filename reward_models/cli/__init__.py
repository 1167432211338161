"""The commands of `verify rm`."""

"""The image that programs run in: what is in it, how it is built, and how it is found again."""

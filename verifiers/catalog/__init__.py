"""The teachers: one file or folder per task; its path is its id."""

"""Files that trainers load by path, in a folder without other names (see `ms_swift.PLUGIN`)."""

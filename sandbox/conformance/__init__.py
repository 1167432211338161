"""What any backend must do, as a suite of programs: `verify sandbox check`."""

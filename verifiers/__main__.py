"""`python -m verifiers` is `verify`."""

from verifiers.cli.main import main

if __name__ == "__main__":
    main()

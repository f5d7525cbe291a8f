"""`python -m foveate`: the program `foveate`, where its script is not on the path."""

from foveate.cli.app import main

if __name__ == "__main__":
    main()

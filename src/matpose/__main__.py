"""`python -m matpose` is `matpose`, so that torchrun can start it: `torchrun -m matpose train ...`."""

from matpose.cli.main import main

if __name__ == "__main__":
    main()

"""``python -m clinsynth.cli``: the command, for processes that start it by interpreter."""

from clinsynth.cli.main import main

if __name__ == "__main__":
    main()

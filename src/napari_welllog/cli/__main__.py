"""`python -m napari_welllog.cli`."""

from napari_welllog.cli import main

if __name__ == "__main__":
    main()

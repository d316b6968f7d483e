"""The windows: all that knows napari and Qt, apart from sample data and readers."""

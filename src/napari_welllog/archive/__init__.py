"""Many scans, on Dask: what is to be read, each scan on a worker, and a table of what came of it.

Only paths and figures travel between processes; a worker opens the scan and writes the results itself.
"""

from napari_welllog.archive.run import Archive, Progress, read_archive

__all__ = ["Archive", "Progress", "read_archive"]

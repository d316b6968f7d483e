"""Log curves for tests of what is written."""

import numpy as np

from napari_welllog.curves import LogCurve


def log_curve(depth, value, mnemonic="GR", unit="GAPI", depth_unit="ft", description="") -> LogCurve:
    """A log curve that was traced wherever it has a value."""
    depth, value = np.asarray(depth, float), np.asarray(value, float)
    present = np.isfinite(value)
    return LogCurve(
        depth=depth,
        value=value,
        mnemonic=mnemonic,
        unit=unit,
        depth_unit=depth_unit,
        description=description,
        state=present.astype(np.uint8),
        confidence=present.astype(np.float32),
    )

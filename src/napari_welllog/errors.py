"""Errors that a user can cause and mend: each message is one line saying what is wrong and what to do."""


class WelllogError(Exception):
    """Base of every error whose message is written for the user."""


class ScanError(WelllogError):
    """The scan cannot be read or used."""


class TracksError(WelllogError):
    """The calibration in a tracks.json cannot be used."""


class EditsError(WelllogError):
    """The corrections in an edits.json cannot be used."""


class ModelError(WelllogError):
    """The network's weights cannot be found, read or used."""


class LasError(WelllogError):
    """The log curves cannot be written as LAS."""


class OutputError(WelllogError):
    """A result cannot be written."""


class Cancelled(Exception):
    """The user asked a running job to stop."""

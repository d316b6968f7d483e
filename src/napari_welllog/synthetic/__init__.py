"""The printing press: synthetic logs with exact truth, for training and for measuring."""

from napari_welllog.synthetic.press import PrintedLog, PrintedTrace, print_log, print_window
from napari_welllog.synthetic.settings import PressSettings

__all__ = ["PressSettings", "PrintedLog", "PrintedTrace", "print_log", "print_window"]

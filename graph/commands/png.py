"""Turns a drawing into a PNG, where the optional package for that is installed."""

import importlib
from typing import Any

from graph.errors import SettingsWrong

FONTS = ("DejaVu Sans", "Liberation Sans", "Noto Sans", "Open Sans", "Roboto", "Arial", "Helvetica", "Verdana")
LETTER = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9" font-family="sans-serif" font-size="9">{}</text></svg>'
ZOOM = 2.0


def png_of(svg: str) -> bytes:
    """Draw it at twice its size; SettingsWrong says what to install where this machine has no package for it, or no font."""
    try:
        resvg: Any = importlib.import_module("resvg_py")
    except ModuleNotFoundError:
        raise SettingsWrong("--png needs the package resvg-py (pip install 'motcua[png]'); --svg needs nothing") from None
    # The package knows no fontconfig: what stands for sans-serif has to be found, and text without a font would be left out silently.
    for font in FONTS:
        if resvg.svg_to_bytes(svg_string=LETTER.format("a"), sans_serif_family=font) != resvg.svg_to_bytes(svg_string=LETTER.format("")):
            return bytes(resvg.svg_to_bytes(svg_string=svg, sans_serif_family=font, monospace_family=font, font_family=font, zoom=ZOOM))
    raise SettingsWrong(f"--png needs one of these fonts: {', '.join(FONTS)} (such as the package fonts-dejavu-core); --svg needs none")

"""SVG figures that follow the light or dark color scheme of the page that shows them.

Every color becomes a CSS variable with two values. The media query works inside an `<img>`, too.
"""

import colorsys
import re

DARK = {
    "#0072b2": "#56b4e9",
    "#56b4e9": "#a6dcfa",
    "#d55e00": "#ff8f52",
    "#e69f00": "#f2bd4b",
    "#009e73": "#35cf9f",
    "#cc79a7": "#e8a3ca",
    "#262626": "#e6edf3",
    "#6e6e6e": "#a0a9b4",
    "#bdbdbd": "#59636e",
    "#e6e6e6": "#2a323b",
    "#ffffff": "#0f141a",
}
"""Color of the style sheet on white -> its color on the dark page; other colors get the opposite lightness."""
_COLOR = re.compile(rb"(?<=[ :])#[0-9a-f]{6}(?=[;\"])")


def follow_color_scheme(svg: bytes) -> bytes:
    """Return the SVG with a light and a dark value for each of its colors.

    Args:
        svg: An SVG of matplotlib, whose colors are in `style` attributes.
    """
    colors = sorted(set(_COLOR.findall(svg)))
    light = "".join(f"--c{color.decode()[1:]}:{color.decode()};" for color in colors)
    dark = "".join(f"--c{color.decode()[1:]}:{dark_color(color.decode())};" for color in colors)
    sheet = f"<style>:root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}</style>"
    head, tag, rest = svg.partition(b"<defs>")
    named = _COLOR.sub(lambda match: b"var(--c" + match[0][1:] + b")", rest)
    return head + sheet.encode() + tag + named


def dark_color(color: str) -> str:
    """Return the color that takes the place of a color on a dark page.

    Args:
        color: A color as `#rrggbb` in lower case.
    """
    if color in DARK:
        return DARK[color]
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    # 0.08 is the lightness of the dark page; the darkest color becomes almost white.
    channels = colorsys.hls_to_rgb(hue, 0.08 + 0.87 * (1 - lightness), saturation)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)

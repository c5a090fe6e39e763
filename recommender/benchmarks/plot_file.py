"""What the published plots look like: SVG that carries its own ground, so that it reads the same on light and on dark
pages, and follows the reader's choice of colours where the viewer passes it on."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape  # it writes XML and reads none  # nosec B406

_STYLE = """
svg { --ground: #ffffff; --ink: #1f2328; --quiet: #59636e; --line: #d1d9e0; --ours: #0a5fbf; --peer: #768390; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #0d1117; --ink: #f0f6fc; --quiet: #9ea7b3; --line: #3d444d; --ours: #6cb6ff; --peer: #848d97; }
}
text { font: 12px system-ui, sans-serif; fill: var(--ink); }
.head { font-size: 14px; font-weight: 600; }
.quiet { fill: var(--quiet); }
.ours { font-weight: 600; }
.ground { fill: var(--ground); }
.line { stroke: var(--line); }
.bar, .dot { fill: var(--peer); } .bar.ours, .dot.ours { fill: var(--ours); }
.curve { fill: none; }
.curve, .range { stroke: var(--peer); stroke-width: 2; } .curve.ours, .range.ours { stroke: var(--ours); }
"""


def plot_file(parts: Sequence[str], width: int, height: int, *, title: str, description: str) -> str:
    """The whole file. What is ours has the class ``ours``; others are peers."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            'aria-labelledby="title description">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="description">{escape(description)}</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect class="ground" width="{width}" height="{height}" rx="8"/>',
            *parts,
            "</svg>",
            "",
        ]
    )

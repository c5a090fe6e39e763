"""The pictures on the generated posters: a motif draws on a sheet of 300 by 450 with the dice and colours given."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

WIDTH, HEIGHT = 300, 450


@dataclass(frozen=True, slots=True)
class Palette:
    deep: str  # the far background
    mid: str  # the near background
    ink: str  # the title
    glow: str  # light, the brightest shape
    accent: str  # the second shape


class Dice:
    """Numbers that follow from a seed alone. Only ``Random.random`` is promised to be the same in every Python."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def between(self, low: float, high: float) -> float:
        return round(low + (high - low) * self._random.random(), 1)

    def whole(self, low: int, high: int) -> int:
        return low + int((high - low + 1) * self._random.random())

    def heads(self) -> bool:
        return self._random.random() < 0.5


Motif = Callable[[Dice, Palette], str]


def _points(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.0f},{y:.0f}" for x, y in points)


def horizon(dice: Dice, colours: Palette) -> str:
    """A low sun behind ridges, the nearest darkest."""
    x, y, radius = dice.between(70, 230), dice.between(120, 190), dice.between(46, 84)
    parts = [
        f'<circle cx="{x}" cy="{y}" r="{radius + 34}" fill="{colours.glow}" opacity=".14"/>',
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colours.glow}"/>',
    ]
    for layer in range(4):
        base = 190 + 42 * layer
        ridge = [(i * 50.0 - 25, base + dice.between(-26, 26)) for i in range(8)]
        shape = _points([(-30, HEIGHT), *ridge, (340, HEIGHT)])
        fill = colours.accent if layer < 2 else colours.deep
        parts.append(f'<polygon points="{shape}" fill="{fill}" opacity="{0.35 + 0.2 * layer:.2f}"/>')
    return "".join(parts)


def rings(dice: Dice, colours: Palette) -> str:
    """Circles around one point, each broken at another place: a record, a vertigo."""
    x, y = dice.between(110, 190), dice.between(130, 190)
    parts = []
    for i in range(9):
        radius = 18 + i * 19
        gap, turn = dice.between(0.1, 0.45), dice.whole(0, 359)
        length = 2 * math.pi * radius
        stroke = colours.glow if i % 3 == 0 else colours.accent
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="{radius}" fill="none" stroke="{stroke}" stroke-width="{9 - i * 0.6:.1f}" '
            f'stroke-dasharray="{length * (1 - gap):.0f} {length * gap:.0f}" '
            f'transform="rotate({turn} {x} {y})" opacity="{1 - i * 0.08:.2f}"/>'
        )
    parts.append(f'<circle cx="{x}" cy="{y}" r="9" fill="{colours.glow}"/>')
    return "".join(parts)


def rays(dice: Dice, colours: Palette) -> str:
    """Beams fanning out from a point below the middle."""
    x, y, n = dice.between(90, 210), dice.between(210, 270), dice.whole(9, 14)
    turn = dice.between(0, math.pi)
    parts = []
    for i in range(n):
        start = turn + i * 2 * math.pi / n
        end = start + math.pi / n
        shape = _points([(x, y), *((x + 520 * math.cos(a), y + 520 * math.sin(a)) for a in (start, end))])
        fill = colours.accent if i % 2 else colours.glow
        parts.append(f'<polygon points="{shape}" fill="{fill}" opacity="{0.55 if i % 2 else 0.3}"/>')
    radius = dice.whole(38, 62)
    parts.append(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colours.glow}"/>')
    parts.append(f'<circle cx="{x}" cy="{y}" r="{radius - 12}" fill="{colours.deep}" opacity=".85"/>')
    return "".join(parts)


def skyline(dice: Dice, colours: Palette) -> str:
    """A city at night with some windows lit, and a moon."""
    parts = [
        f'<circle cx="{dice.between(60, 240)}" cy="{dice.between(70, 120)}" r="{dice.between(24, 44)}" '
        f'fill="{colours.glow}" opacity=".9"/>'
    ]
    for layer, (shade, opacity) in enumerate(((colours.accent, 0.45), (colours.deep, 1.0))):
        x = -10.0
        while x < WIDTH:
            width, top = dice.whole(26, 48), dice.whole(150, 260) + layer * 45
            parts.append(
                f'<rect x="{x:.0f}" y="{top}" width="{width}" height="{HEIGHT - top}" fill="{shade}" '
                f'opacity="{opacity}"/>'
            )
            for row in range(3 if layer else 0):
                for column in range(2):
                    if dice.heads():
                        parts.append(
                            f'<rect x="{x + 7 + column * 12:.0f}" y="{top + 12 + row * 17}" width="6" height="9" '
                            f'fill="{colours.glow}" opacity=".85"/>'
                        )
            x += width + dice.whole(0, 5)
    return "".join(parts)


def waves(dice: Dice, colours: Palette) -> str:
    """Bands of swell under an open sky."""
    parts = [
        f'<circle cx="{dice.between(70, 230)}" cy="{dice.between(90, 140)}" r="{dice.between(30, 56)}" '
        f'fill="{colours.glow}"/>'
    ]
    for i in range(7):
        y, lift, shift = 165 + i * 36, dice.between(10, 22), dice.between(-80, 0)
        path = f"M{shift - 80:.0f} {y}" + "".join(f"q40 {-lift} 80 0t80 0" for _ in range(4)) + f"V{HEIGHT}H-160z"
        fill = colours.accent if i % 2 else colours.mid
        parts.append(f'<path d="{path}" fill="{fill}" opacity="{0.4 + i * 0.07:.2f}"/>')
    return "".join(parts)


def slashes(dice: Dice, colours: Palette) -> str:
    """Slanted bars at speed."""
    lean = dice.whole(60, 130) * (1 if dice.heads() else -1)
    parts, x = [], -160.0
    while x < WIDTH + 160:
        width = dice.whole(5, 44)
        fill = colours.glow if dice.whole(0, 3) == 0 else colours.accent
        shape = _points([(x + lean, -10), (x + width + lean, -10), (x + width - lean, 460), (x - lean, 460)])
        parts.append(f'<polygon points="{shape}" fill="{fill}" opacity="{dice.between(0.35, 1)}"/>')
        x += width + dice.whole(14, 52)
    return "".join(parts)


def planet(dice: Dice, colours: Palette) -> str:
    """A planet with its ring among stars."""
    parts = [
        f'<circle cx="{dice.whole(5, 295)}" cy="{dice.whole(5, 330)}" r="{dice.between(0.6, 1.9)}" '
        f'fill="{colours.ink}" opacity="{dice.between(0.4, 1)}"/>'
        for _ in range(46)
    ]
    x, y, radius, tilt = dice.between(110, 190), dice.between(140, 190), dice.between(58, 88), dice.whole(-30, 30)
    ring = (
        f'cx="{x}" cy="{y}" rx="{radius * 1.7:.0f}" ry="{radius * 0.36:.0f}" fill="none" stroke="{colours.glow}" '
        f'stroke-width="7" transform="rotate({tilt} {x} {y})"'
    )
    parts += [
        f"<ellipse {ring}/>",
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colours.accent}"/>',
        f'<path d="M{x - radius:.0f} {y}a{radius} {radius} 0 0 0 {2 * radius:.0f} 0a{radius} '
        f'{radius * 0.55:.0f} 0 0 1 {-2 * radius:.0f} 0" fill="{colours.deep}" opacity=".45"/>',
        # The half of the ring that passes in front.
        f'<ellipse {ring} stroke-dasharray="{radius * 3.6:.0f} {radius * 9:.0f}"/>',
    ]
    return "".join(parts)


def peaks(dice: Dice, colours: Palette) -> str:
    """Sharp mountains, lit from one side."""
    parts = [
        f'<circle cx="{dice.between(50, 250)}" cy="{dice.between(60, 110)}" r="26" fill="{colours.glow}" opacity=".9"/>'
    ]
    for i in range(5):
        x, top, half = -20 + i * 85 + dice.between(-30, 30), dice.between(110, 230), dice.between(90, 140)
        left, right = _points([(x - half, 400), (x, top), (x, 400)]), _points([(x, top), (x + half, 400), (x, 400)])
        parts.append(f'<polygon points="{left}" fill="{colours.accent}"/>')
        parts.append(f'<polygon points="{right}" fill="{colours.mid}"/>')
    parts.append(f'<rect y="398" width="{WIDTH}" height="60" fill="{colours.mid}"/>')
    return "".join(parts)


def beams(dice: Dice, colours: Palette) -> str:
    """Two spotlights crossing over an empty stage."""
    parts = []
    for side in (0, 1):
        x = 20.0 if side == 0 else 280.0
        aim = dice.between(120, 230) if side == 0 else dice.between(70, 180)
        shape = _points([(x - 8, -10), (x + 8, -10), (aim + 70, 330), (aim - 70, 330)])
        fill = colours.accent if side else colours.glow
        parts.append(f'<polygon points="{shape}" fill="{fill}" opacity=".4"/>')
        parts.append(f'<ellipse cx="{aim}" cy="330" rx="70" ry="17" fill="{fill}" opacity=".75"/>')
    return "".join(parts)


def grid(dice: Dice, colours: Palette) -> str:
    """A sun in stripes over a floor that runs to the vanishing point."""
    x, y, radius = 150, dice.whole(150, 180), dice.whole(66, 86)
    parts = [f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colours.glow}"/>']
    for i in range(5):
        parts.append(
            f'<rect x="{x - radius}" y="{y + i * 15 - 6}" width="{2 * radius}" height="{3 + i}" fill="{colours.mid}"/>'
        )
    floor = y + radius - 18
    parts.append(f'<rect y="{floor}" width="{WIDTH}" height="{HEIGHT}" fill="{colours.deep}"/>')
    lines = "".join(f"M{x} {floor}L{x + i * 66} {HEIGHT}" for i in range(-9, 10))
    lines += "".join(f"M0 {floor + 6 * i * i}H{WIDTH}" for i in range(7))
    parts.append(f'<path d="{lines}" stroke="{colours.accent}" stroke-width="1.6" fill="none"/>')
    return "".join(parts)


def embrace(dice: Dice, colours: Palette) -> str:
    """Two circles that overlap, and what they share."""
    radius, turn = dice.whole(72, 92), dice.whole(-50, 50)
    offset = radius * dice.between(0.5, 0.8)
    left, right = 150 - offset, 150 + offset
    height = math.sqrt(radius**2 - offset**2)
    lens = (
        f"M150 {180 - height:.0f}A{radius} {radius} 0 0 1 150 {180 + height:.0f}"
        f"A{radius} {radius} 0 0 1 150 {180 - height:.0f}"
    )
    return (
        f'<g transform="rotate({turn} 150 180)">'
        f'<circle cx="{left:.0f}" cy="180" r="{radius}" fill="{colours.accent}"/>'
        f'<circle cx="{right:.0f}" cy="180" r="{radius}" fill="{colours.glow}"/>'
        f'<path d="{lens}" fill="{colours.ink}"/></g>'
    )


def doorway(dice: Dice, colours: Palette) -> str:
    """A lit door, its light on the floor, and somebody standing in it."""
    x, lean = dice.between(90, 160), dice.between(-90, 60)
    floor = _points([(x, 290), (x + 62, 290), (x + 122 + lean, 460), (x - 50 + lean, 460)])
    return (
        f'<rect x="{x}" y="110" width="62" height="180" fill="{colours.glow}"/>'
        f'<polygon points="{floor}" fill="{colours.glow}" opacity=".3"/>'
        f'<circle cx="{x + 31:.0f}" cy="196" r="11" fill="{colours.deep}"/>'
        f'<path d="M{x + 14:.0f} 290v-58q0-22 17-22t17 22v58z" fill="{colours.deep}"/>'
        f'<path d="M0 290H{WIDTH}" stroke="{colours.accent}" stroke-width="2" opacity=".7"/>'
    )


def confetti(dice: Dice, colours: Palette) -> str:
    """Shapes thrown in the air."""
    parts = []
    for i in range(26):
        x, y, size = dice.whole(-5, 305), dice.whole(10, 330), dice.between(8, 30)
        fill = (colours.glow, colours.accent, colours.ink)[i % 3]
        if i % 2:
            parts.append(f'<circle cx="{x}" cy="{y}" r="{size / 2:.1f}" fill="{fill}" opacity=".9"/>')
        else:
            parts.append(
                f'<rect x="{x}" y="{y}" width="{size}" height="{size * 0.45:.1f}" rx="2" fill="{fill}" '
                f'transform="rotate({dice.whole(0, 179)} {x} {y})" opacity=".9"/>'
            )
    return "".join(parts)


def eye(dice: Dice, colours: Palette) -> str:
    """Somebody is watching."""
    y, lid, look = dice.between(160, 200), dice.between(52, 84), dice.between(-22, 22)
    lashes = "".join(
        f"M{150 + 128 * math.cos(a):.0f} {y + 118 * math.sin(a):.0f}"
        f"L{150 + 158 * math.cos(a):.0f} {y + 150 * math.sin(a):.0f}"
        for a in (math.pi * (1.15 + 0.1 * i) for i in range(8))
    )
    return (
        f'<path d="M20 {y}Q150 {y - 2 * lid} 280 {y}Q150 {y + 2 * lid} 20 {y}z" fill="{colours.glow}"/>'
        f'<circle cx="{150 + look}" cy="{y}" r="{lid * 0.72:.0f}" fill="{colours.accent}"/>'
        f'<circle cx="{150 + look}" cy="{y}" r="{lid * 0.34:.0f}" fill="{colours.deep}"/>'
        f'<circle cx="{150 + look - 11}" cy="{y - 12}" r="6" fill="{colours.ink}"/>'
        f'<path d="{lashes}" stroke="{colours.glow}" stroke-width="4" stroke-linecap="round" opacity=".6"/>'
    )


def trunks(dice: Dice, colours: Palette) -> str:
    """Bare trees in fog, the nearer the darker."""
    parts = [f'<circle cx="{dice.between(80, 220)}" cy="140" r="{dice.between(34, 60)}" fill="{colours.glow}"/>']
    for layer in range(3):
        for _ in range(5):
            x, width = dice.whole(-10, 300), 4 + layer * 7
            fill = colours.deep if layer == 2 else colours.accent
            parts.append(
                f'<path d="M{x} 460L{x + width // 3} -10H{x + width}L{x + width + 4} 460z" fill="{fill}" '
                f'opacity="{0.3 + 0.3 * layer:.1f}"/>'
            )
    return "".join(parts)


def strips(dice: Dice, colours: Palette) -> str:
    """Frames of film, side by side and out of step."""
    parts = []
    for column in range(4):
        x, shift = 14 + column * 70, dice.whole(-60, 0)
        parts.append(f'<rect x="{x}" width="62" height="{HEIGHT}" fill="{colours.deep}" opacity=".55"/>')
        for row in range(7):
            y = shift + row * 78
            fill = (colours.accent, colours.glow, colours.mid)[dice.whole(0, 2)]
            parts.append(f'<rect x="{x + 9}" y="{y}" width="44" height="66" rx="3" fill="{fill}" opacity=".85"/>')
    return "".join(parts)

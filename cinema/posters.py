"""Posters drawn from a film's title, year and genres: the same film, the same poster, on every machine."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape  # it writes XML and reads none  # nosec B406

from cinema import poster_motifs as motifs
from cinema.poster_motifs import HEIGHT, WIDTH, Dice, Motif, Palette

# Part of every digest. Raise it when the drawing changes, because a poster is cached for a year under its digest.
DESIGN = 1

_MARGIN = 22
_SANS = "'Avenir Next Condensed','Arial Narrow','Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif"
_SERIF = "'Iowan Old Style','Palatino Linotype',Palatino,'Times New Roman','Liberation Serif',serif"

_FONT_SIZES = (52, 46, 40, 35, 30, 26, 22, 19)
_MAX_LINES = 5
# No poster shows more of a title than this; a longer one is cut before it is measured.
_MAX_CHARACTERS = 160
_MAX_COMBINING = 3  # marks stacked on one letter

# The first of these that a film has decides how its poster looks; the more telling genre stands first.
_LOOKS: dict[str, tuple[str, tuple[Motif, ...], tuple[Palette, ...]]] = {
    "Film-Noir": (
        _SERIF,
        (motifs.doorway, motifs.skyline),
        (Palette("#0b0b0d", "#2b2c31", "#f4efe4", "#e9dfc4", "#6d6f78"),),
    ),
    "Horror": (
        _SERIF,
        (motifs.trunks, motifs.eye, motifs.doorway),
        (
            Palette("#12060a", "#5b0f16", "#fbeee6", "#ff5a3c", "#8f1420"),
            Palette("#070d0b", "#1f3a30", "#effaf0", "#c9f26b", "#2f6a4f"),
        ),
    ),
    "Western": (
        _SERIF,
        (motifs.horizon, motifs.peaks, motifs.rays),
        (Palette("#2a120b", "#a5401c", "#fff1da", "#ffc35a", "#d8672b"),),
    ),
    "Sci-Fi": (
        _SANS,
        (motifs.planet, motifs.grid, motifs.rings),
        (
            Palette("#070b1f", "#1b2a6b", "#eef4ff", "#5ef0e0", "#4864e6"),
            Palette("#140a2a", "#4a1b74", "#fff0fb", "#ff7ac6", "#8a4fe8"),
        ),
    ),
    "War": (
        _SANS,
        (motifs.horizon, motifs.slashes, motifs.rays),
        (Palette("#15170f", "#4a4f2d", "#f6f0dc", "#e8b04a", "#7e8449"),),
    ),
    "Musical": (
        _SERIF,
        (motifs.beams, motifs.confetti, motifs.rings),
        (Palette("#240a33", "#7a1d6d", "#fff2fb", "#ffcf5c", "#e4509b"),),
    ),
    "Animation": (
        _SANS,
        (motifs.confetti, motifs.waves, motifs.planet),
        (
            Palette("#0d2b52", "#1f7bb8", "#ffffff", "#ffd84d", "#ff7a59"),
            Palette("#2b1450", "#6d3bd1", "#ffffff", "#7df0c4", "#ff8ad4"),
        ),
    ),
    "Documentary": (
        _SANS,
        (motifs.strips, motifs.rings),
        (Palette("#10181c", "#31525c", "#f2f7f5", "#f0b95b", "#6f9aa3"),),
    ),
    "Fantasy": (
        _SERIF,
        (motifs.peaks, motifs.trunks, motifs.planet),
        (Palette("#10133a", "#3b3f9a", "#f7f1ff", "#ffd98a", "#6f6ad8"),),
    ),
    "Crime": (
        _SANS,
        (motifs.skyline, motifs.slashes, motifs.doorway),
        (
            Palette("#0d1016", "#2b3a4d", "#f5f1e6", "#ffb347", "#b3362f"),
            Palette("#100d0b", "#43332a", "#f8efe2", "#e7c15f", "#a8542f"),
        ),
    ),
    "Mystery": (
        _SERIF,
        (motifs.eye, motifs.rings, motifs.doorway),
        (Palette("#0b1416", "#1d4a50", "#eef7f3", "#f1c66b", "#3c8a8a"),),
    ),
    "Thriller": (
        _SANS,
        (motifs.slashes, motifs.eye, motifs.skyline, motifs.rings),
        (
            Palette("#0c0f14", "#23303d", "#f4f6f8", "#ff4d4d", "#5b7083"),
            Palette("#0a1210", "#1f4038", "#f1f8f3", "#ffb02e", "#3f7f6b"),
        ),
    ),
    "Action": (
        _SANS,
        (motifs.slashes, motifs.rays, motifs.grid, motifs.skyline),
        (
            Palette("#190a08", "#7d1f12", "#fff4e6", "#ffb12a", "#e2431e"),
            Palette("#0b1420", "#1f4d7a", "#f3f8ff", "#ffcf33", "#ff6a2b"),
        ),
    ),
    "Adventure": (
        _SANS,
        (motifs.peaks, motifs.horizon, motifs.waves),
        (
            Palette("#0b2323", "#1f6f66", "#fdf6e3", "#ffc857", "#e9724c"),
            Palette("#122038", "#2f5d8c", "#fff6e5", "#ffb25b", "#5c93c4"),
        ),
    ),
    "Children": (
        _SANS,
        (motifs.waves, motifs.confetti, motifs.horizon),
        (Palette("#0e3a4a", "#2096a6", "#ffffff", "#ffe066", "#ff8f6b"),),
    ),
    "Romance": (
        _SERIF,
        (motifs.embrace, motifs.waves, motifs.rays),
        (
            Palette("#3a0f24", "#a5305a", "#fff1ec", "#ffb199", "#e2557d"),
            Palette("#2c1230", "#6b3a78", "#fff3f0", "#ffc9a3", "#d0678f"),
        ),
    ),
    "Comedy": (
        _SANS,
        (motifs.confetti, motifs.rays, motifs.embrace, motifs.beams),
        (
            Palette("#3b1d05", "#c0681a", "#fff8e7", "#ffdc5e", "#f0862f"),
            Palette("#06303a", "#13808a", "#fffaf0", "#ffd166", "#ef6f6c"),
            Palette("#37102c", "#93356f", "#fff6f2", "#ffcc66", "#f2789f"),
        ),
    ),
    "Drama": (
        _SERIF,
        (motifs.horizon, motifs.doorway, motifs.waves, motifs.trunks, motifs.embrace),
        (
            Palette("#141a26", "#3c4f6d", "#f7f2e8", "#e8b873", "#7189ab"),
            Palette("#20140f", "#6a4230", "#fbf1e4", "#f0bd7a", "#a9694a"),
            Palette("#12201d", "#3a5f57", "#f5f4ea", "#e6c98a", "#6d978c"),
        ),
    ),
}
_PLAIN_LOOK = (
    _SANS,
    (motifs.strips, motifs.beams, motifs.rings, motifs.horizon),
    (
        Palette("#17130f", "#4c4034", "#f9f2e6", "#f2b04c", "#8b765f"),
        Palette("#10161d", "#35485c", "#f1f5f8", "#8fd0e8", "#5d7d99"),
    ),
)


def poster_digest(title: str, year: int | None, genres: Iterable[str]) -> str:
    """Changes exactly when the poster does; part of its address and its ETag."""
    parts = [str(DESIGN), title, str(year or ""), *sorted(genres)]
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=8).hexdigest()


def poster_svg(title: str, year: int | None, genres: Iterable[str]) -> str:
    """The poster as an SVG document of 300 by 450. Nothing in ``title`` or ``genres`` is taken for markup."""
    genres = sorted(genres)
    dice = Dice(int(poster_digest(title, year, genres), 16))
    font, pictures, palettes = next((look for genre, look in _LOOKS.items() if genre in genres), _PLAIN_LOOK)
    colours = palettes[dice.whole(0, len(palettes) - 1)]
    picture = pictures[dice.whole(0, len(pictures) - 1)](dice, colours)
    top_light, title_on_top = dice.heads(), dice.whole(0, 3) == 0

    # Other titles of the same film, in brackets, are left to the page.
    shown = printable(title.partition(" (")[0]) or printable(title) or "Untitled"
    rtl = reads_right_to_left(shown)
    # Capitals suit the narrow face; scripts without them are left alone by upper().
    size, lines = fit_title(shown.upper() if font == _SANS else shown, WIDTH - 2 * _MARGIN)
    x = WIDTH - _MARGIN if rtl else _MARGIN
    direction = ' direction="rtl"' if rtl else ""
    line_height = round(size * 1.08)
    first = 58 + size if title_on_top else HEIGHT - 46 - line_height * (len(lines) - 1)
    text = "".join(
        f'<text x="{x}" y="{first + i * line_height}"{direction}>{escape(line)}</text>' for i, line in enumerate(lines)
    )
    note_y = 40 if title_on_top else HEIGHT - 20
    note = " · ".join([str(year)] * (year is not None) + [printable(genre) for genre in genres[:2]])[:34]
    rule_y = 50 if title_on_top else first - size - 8
    # Out from under the title.
    shift = ' transform="translate(0 80)"' if title_on_top else ""
    lit, far = (colours.mid, colours.deep) if top_light else (colours.deep, colours.mid)
    shade_from, shade_to = ("1", "0") if title_on_top else ("0", "1")
    shade_y, shade_height = (0, 260) if title_on_top else (190, 260)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img"><title>{escape(shown)}</title>'
        f'<defs><linearGradient id="sky" x2="0" y2="1"><stop stop-color="{lit}"/>'
        f'<stop offset="1" stop-color="{far}"/></linearGradient>'
        f'<linearGradient id="shade" x2="0" y2="1"><stop stop-color="{colours.deep}" stop-opacity="{shade_from}"/>'
        f'<stop offset="{".45" if title_on_top else ".6"}" stop-color="{colours.deep}" stop-opacity=".86"/>'
        f'<stop offset="1" stop-color="{colours.deep}" stop-opacity="{shade_to}"/></linearGradient>'
        f'<clipPath id="sheet"><rect width="{WIDTH}" height="{HEIGHT}"/></clipPath></defs>'
        f'<g clip-path="url(#sheet)"><rect width="{WIDTH}" height="{HEIGHT}" fill="url(#sky)"/><g{shift}>{picture}</g>'
        f'<rect y="{shade_y}" width="{WIDTH}" height="{shade_height}" fill="url(#shade)"/>'
        f'<rect x="{x - 34 if rtl else x}" y="{rule_y}" width="34" height="4" fill="{colours.glow}"/>'
        f'<g fill="{colours.ink}" font-family="{font}" font-weight="700" font-size="{size}">{text}</g>'
        f'<text x="{_MARGIN}" y="{note_y}" fill="{colours.ink}" opacity=".8" font-family="{_SANS}" font-size="13" '
        f'letter-spacing="1.2">{escape(note)}</text></g></svg>'
    )


def printable(text: str) -> str:
    """``text`` on one line, without what XML forbids, without piles of combining marks, and not too long to show."""
    kept: list[str] = []
    marks = 0
    for character in " ".join(text[: 4 * _MAX_CHARACTERS].split()):
        category = unicodedata.category(character)
        # Controls, lone surrogates and unassigned code points; of the formats only the joiners that emoji need.
        if category in {"Cc", "Cs", "Cn", "Co"} or (category == "Cf" and character not in "\u200c\u200d"):
            continue
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks <= _MAX_COMBINING:
            kept.append(character)
    return "".join(kept[: _MAX_CHARACTERS + 1]).strip()


def reads_right_to_left(text: str) -> bool:
    """By its first letter that has a direction, as browsers decide for dir=auto."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in {"R", "AL"}:
            return True
        if direction == "L":
            return False
    return False


def text_width(text: str) -> float:
    """An upper estimate in em, from the widths of a bold Arial: what is really used is no wider."""
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> float:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0.0
    if character in " ijlI.,:;'!|":
        return 0.34
    if character in 'frt()[]-"/*':
        return 0.45
    if character in "mwMW@%—…&":
        return 1.0
    if ord(character) < 0x250:
        return 0.76 if character.isupper() else 0.63
    # Emoji and the East Asian scripts fill a square; a letter of any other script gets nearly one.
    return 1.1 if unicodedata.east_asian_width(character) in {"W", "F"} or ord(character) > 0xFFFF else 0.85


def fit_title(title: str, width: float) -> tuple[int, list[str]]:
    """The largest font size at which ``title`` fits into ``width`` in few lines; at the smallest it is cut with …"""
    words = title.split()
    for size in _FONT_SIZES:
        room = width / size
        if any(text_width(word) > room for word in words):
            continue
        lines = _wrapped(words, room)
        # A large title may take three lines, a small one more.
        if len(lines) <= (3 if size > 30 else _MAX_LINES) and len(title) <= _MAX_CHARACTERS:
            return size, lines
    size = _FONT_SIZES[-1]
    room = width / size
    pieces = [piece for word in words for piece in _broken(word, room)]
    lines = _wrapped(pieces, room)
    if len(lines) > _MAX_LINES or len(title) > _MAX_CHARACTERS:
        lines = lines[:_MAX_LINES]
        lines[-1] = _cut(lines[-1], room - text_width("…")) + "…"
    return size, lines


def _wrapped(words: Sequence[str], room: float) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and text_width(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _cut(text: str, room: float) -> str:
    """As much of ``text`` as fits, never between a letter and its mark or inside a joined emoji."""
    while text and text_width(text) > room:
        text = text[:-1]
        while text and (text[-1] == "\u200d" or unicodedata.category(text[-1]) == "Me"):
            text = text[:-1]
    return text.rstrip()


def _broken(word: str, room: float) -> list[str]:
    """A word wider than the line, in pieces that fit."""
    pieces = []
    while text_width(word) > room:
        piece = _cut(word, room) or word[0]
        # A mark belongs to the letter before it.
        end = len(piece)
        while end < len(word) and unicodedata.category(word[end]) in {"Mn", "Me", "Cf"}:
            end += 1
        pieces.append(word[:end])
        word = word[end:]
    return [*pieces, word] if word else pieces

"""The plots of docs/benchmarks.md: training and serving beside peers, and growth."""

from __future__ import annotations

from typing import Any

from benchmarks import plots

Figures = dict[str, Any]


def bars(figures: Figures) -> str:
    panels = []
    for one in figures.get("training", {}).values():
        updates = [
            plots.Bar(name, ns, f"{ns:.1f} ns", name.startswith("ours")) for name, ns in one["ns_per_update"].items()
        ]
        panels.append(plots.Bars(f"A rating update of SGD, {one['ratings']:,} ratings (shorter is better)", updates))
    serving = figures.get("serving", {})
    answered = [
        plots.Bar(name, one["per_second"], f"{one['per_second']:,.0f}/s", name != "bare view")
        for name, one in serving.items()
    ]
    panels.append(plots.Bars("Requests a second at eight clients (longer is better)", answered))
    return plots.bars(
        panels,
        title="Speed of training and serving",
        description="Nanoseconds of a rating update beside Surprise and LIBMF, and requests a second beside a bare "
        "view. The numbers stand in the tables.",
    )


def growth(figures: Figures) -> str:
    panels = []
    for kind, sizes in figures.items():
        found = [sizes[size] for size in sorted(sizes, key=int)]

        def curve(label: str, step: str, what: str, found: list[Figures] = found, ours: bool = True) -> plots.Curve:
            return plots.Curve(label, [(one["ratings"], one[step][what]) for one in found if one[step][what] > 0], ours)

        panels += [
            plots.Growth(
                f"{kind}: time",
                "seconds",
                [
                    curve("training: reading and one epoch", "train", "seconds"),
                    curve("import into an empty database", "import", "seconds", ours=False),
                ],
            ),
            plots.Growth(
                f"{kind}: peak memory",
                "MiB",
                [
                    curve("training", "train", "peak_mib"),
                    curve("import", "import", "peak_mib", ours=False),
                ],
            ),
        ]
    return plots.growth(
        panels,
        title="Time and memory by the number of ratings",
        description="Both axes are logarithmic with equal decades: what grows in proportion rises at 45 degrees. The "
        "numbers stand in the tables.",
    )

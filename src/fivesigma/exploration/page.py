"""A description of data files as one HTML page that needs nothing else, and as a table for notebooks."""

from html import escape
from typing import Any

from fivesigma.exploration import rows
from fivesigma.exploration.column import Column
from fivesigma.exploration.description import Description
from fivesigma.names import number_of
from fivesigma.templates import templates
from fivesigma.version import __version__

WIDTH, HEIGHT = 240, 44
"""Of a drawn distribution, in its own units."""


def page(description: Description) -> str:
    """The whole page."""
    return (
        templates("exploration")
        .get_template("page.html.j2")
        .render(
            description=description,
            table=[_cells(column) for column in description.columns],
            said=[sentence for sentence in rows.sentences(description) if sentence.startswith("! ")],
            notes=[sentence for sentence in rows.sentences(description) if not sentence.startswith("! ")],
            version=__version__,
        )
    )


def fragment(description: Description) -> str:
    """The table alone, as notebooks show it."""
    names = rows.header(rows.WIDE)
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[:-1])
        + f"<td style='text-align:left'>{drawing(column) or escape(row[-1])}</td></tr>"
        for column, row in zip(description.columns, rows.rows(description, rows.WIDE), strict=True)
    )
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in rows.sentences(description))
    counted = number_of(len(description.columns), "column")
    title = f"<code>{escape(description.title)}</code>: {counted}, {escape(description.how)}"
    return f"<p>{title}</p><table><tr>{head}</tr>{body}</table>" + (f"<ul>{said}</ul>" if said else "")


def _cells(column: Column) -> dict[str, Any]:
    numbers = {key: rows.number(column.numbers.get(key)) for key in ("min", "q25", "median", "q75", "max", "mean")}
    lengths = {key: rows.number(value) for key, value in column.lengths.items()}
    return {
        "name": column.name,
        "type": column.type,
        "missing": rows.percent(column.missing) if column.looked_at else "–",
        "unique": rows.unique(column),
        **numbers,
        "lengths": f"{lengths['min']} to {lengths['max']}, mean {lengths['mean']}" if lengths else "",
        "drawing": drawing(column),
        "common": [(value, rows.percent(share)) for value, share in column.common],
        "remarks": [*column.remarks],
        "notes": [*column.notes],
    }


def drawing(column: Column) -> str:
    """The distribution as SVG; empty if there is none."""
    shape = column.shape
    if shape is None or not any(shape.counts):
        return ""
    each, top = WIDTH / len(shape.counts), max(shape.counts)
    bars = "".join(
        f'<rect x="{i * each:.2f}" y="{HEIGHT * (1 - count / top):.2f}" width="{0.92 * each:.2f}" '
        f'height="{max(HEIGHT * count / top, 0.6):.2f}"/>'
        for i, count in enumerate(shape.counts)
        if count
    )
    low, high = rows.number(shape.edges[0]), rows.number(shape.edges[-1])
    scale = ", logarithmic" if shape.log else ""
    label = escape(f"{column.name}: distribution from {low} to {high}{scale}", quote=True)
    return (
        f'<svg class="shape" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH / 2:.0f}" height="{HEIGHT / 2:.0f}" '
        f'preserveAspectRatio="none" fill="currentColor" role="img" aria-label="{label}"><title>{label}</title>{bars}</svg>'
    )

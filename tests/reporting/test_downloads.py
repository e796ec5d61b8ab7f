"""Files of figures inside the page, as far as there is room."""

import base64

from fivesigma.reporting import downloads
from fivesigma.runs.folder import RunFolder


def test_what_fits_is_in_the_page_and_the_rest_beside_it(tmp_path):
    folder = RunFolder(tmp_path)
    for name, size in (("small", 100), ("large", 10_000)):
        for ending in ("pdf", "png", "csv"):
            folder.write_text(f"plots/{name}.{ending}", ending * size)
    inside = downloads.Downloads(folder, downloads.LARGEST_PAGE - 2000)
    small, large = inside.of("small"), inside.of("large")
    assert base64.b64decode(small["pdf"].removeprefix("data:application/pdf;base64,")) == b"pdf" * 100
    assert small["png"] == "plots/small.png"
    assert small["csv"].startswith("data:text/csv;base64,")
    assert large == {ending: f"plots/large.{ending}" for ending in ("pdf", "png", "csv")}
    assert inside.of("small") is small  # counted once
    assert inside.of("none") == {}
    assert inside.of_text("a,b\n", "text/csv") == "data:text/csv;base64,YSxiCg=="
    alone = downloads.Downloads(folder, downloads.LARGEST_PAGE - 2000, beside=False)
    assert list(alone.of("small")) == ["pdf", "png", "csv"]
    assert list(alone.of("large")) == ["png"]  # which the script draws

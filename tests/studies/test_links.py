"""The links of a site."""

from studies.links import broken_links


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text(
        "<h1 id='top'>a</h1><a href='sub/b.html#here'></a><a href='#top'></a><a href='https://x.y/z'></a>"
    )
    (tmp_path / "sub" / "b.html").write_text(
        "<p id='here'></p><a href='../a.html#down'></a><img src='no.png'><a href='..'></a>"
    )
    assert broken_links(tmp_path) == [
        "sub/b.html: ../a.html#down names no place of the page",
        "sub/b.html: no.png is not there",
    ]

"""The devices that share a batch, and where programs for them are kept."""

from fivesigma.cluster import devices


def test_compiled_programs_are_kept_where_no_other_user_can_write(tmp_path, monkeypatch):
    """A compiled program from disk is run as it is, so that whoever can write it can do anything."""
    place = tmp_path / "xla-1"
    assert devices.private(place)
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o777)
    assert devices.private(place)
    assert place.stat().st_mode & 0o022 == 0
    monkeypatch.setattr("os.getuid", lambda: 12345)
    assert not devices.private(place)


def test_a_folder_that_cannot_be_made_is_not_used(tmp_path):
    (tmp_path / "file").write_text("")
    assert not devices.private(tmp_path / "file" / "xla-1")


def test_a_folder_that_can_only_be_read_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert not devices.private(tmp_path / "xla-1")

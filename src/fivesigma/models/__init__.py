"""Arrays → arrays: networks. They know no files and no events."""

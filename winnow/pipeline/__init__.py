"""The edge process: camera frames in, spooled and published events out."""

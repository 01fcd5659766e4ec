"""The `winnow` command: thin, builds objects and calls the packages."""

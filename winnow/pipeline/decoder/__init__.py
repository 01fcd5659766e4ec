"""Compressed video in, pictures with exact time out; small enough to run in a process of its own for each camera."""

"""Formats: readers and writers of other tools' files, found through `registry`."""

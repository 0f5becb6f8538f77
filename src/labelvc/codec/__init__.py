"""Bytes: how model values are written and read; the only place that decides bytes and digests."""

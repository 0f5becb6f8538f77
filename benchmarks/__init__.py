"""Benchmarks: labelvc beside the tools people use now, on data whose truth is known, in one run."""

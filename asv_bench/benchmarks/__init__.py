"""Benchmarks for asv. What is slow to load is imported in `setup`, so that an old commit without it is skipped."""

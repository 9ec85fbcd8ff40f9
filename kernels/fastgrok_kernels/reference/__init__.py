"""Slow and obviously right: every kernel again in plain NumPy, under the same file name, name and signature.

Nothing here imports the kernels, so that a mistake cannot hide in both.
"""

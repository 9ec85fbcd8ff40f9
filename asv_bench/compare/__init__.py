"""fastgrok beside PyTorch on the same work, in one run: `make compare`, or `python -m asv_bench.compare --help`.

Each library works in processes of its own, because two pools of threads in one process fight. A round starts a pair of
them and goes through the rows, one library and then the other, the other first in the next round. The ratio is formed
round by round, so that a machine that slows down slows both sides, and the median of the rounds counts.
"""

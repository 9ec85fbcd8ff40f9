"""References of shuffle.py."""


def shuffle_into(order, left, words, half):
    """Changes order (N,); `left` and `half` as they are then."""
    halves = [half] if half >= 0 else []
    for word in words.tolist():
        halves += [word % 2**32, word >> 32]
    while left and halves:
        chosen = halves.pop(0) % 2 ** left.bit_length()
        if chosen <= left:
            order[left], order[chosen] = order[chosen], order[left]
            left -= 1
    return left, halves[0] if halves else -1

"""Chapter 4: compare and learn. The simplest way to learn: try both directions, and go where the error is smaller.

What is learnt here: squared error, a single step by hot and cold learning, why it takes 1,100 steps, and why it never
quite arrives. The printed book compares `e_up < e_up`, which is never true; it has to be `down < up`, as below.
"""

import argparse


def squared_error(weight, x, goal):
    """Return how wrong a prediction is: never negative, and large misses count more than small ones."""
    return (x * weight - goal) ** 2


def one_step(weight, x, goal, step):
    """Return the errors of the weight as it is, moved up and moved down."""
    return [squared_error(w, x, goal) for w in (weight, weight + step, weight - step)]


def hot_and_cold(weight, x, goal, step, iterations):
    """Move the weight by `step` to the side with the smaller error, again and again; yield what was seen."""
    for _ in range(iterations):
        prediction = x * weight
        error, up, down = one_step(weight, x, goal, step)
        yield error, prediction, weight
        if down < up:
            weight = weight - step
        if down > up:
            weight = weight + step


def main():
    """Measure an error, take one step, then many."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()

    print("squared error of 0.25 where 0.8 is wanted:", squared_error(weight=0.5, x=0.5, goal=0.8))

    print("\nOne step for a weight of 0.1, 8.5 toes, and a game that was won (1):")
    error, up, down = one_step(weight=0.1, x=8.5, goal=1, step=0.01)
    print("  as it is:", error)
    print("  moved up:", up, "<- smaller: go up" if up < down else "")
    print("  moved down:", down)

    print("\nHot and cold learning, 1,101 steps of 0.001:")
    seen = list(hot_and_cold(weight=0.5, x=0.5, goal=0.8, step=0.001, iterations=1101))
    for k in (0, 1, 2, 500, 1000, 1100):
        error, prediction, weight = seen[k]
        print(f"  step {k:4}: error {error}, prediction {prediction}, weight {weight:.3f}")

    print("\nA step that does not divide the way never arrives. Steps of 0.2:")
    for k, (error, prediction, _) in enumerate(hot_and_cold(weight=0.5, x=0.5, goal=0.83, step=0.2, iterations=10)):
        if k in (0, 5, 6, 7, 8, 9):
            print(f"  step {k}: error {error:.4f}, prediction {prediction:.2f}")
    print("It knows the direction, but not how far: that is what the gradient adds in ch04_gradient_descent.py.")


if __name__ == "__main__":
    main()

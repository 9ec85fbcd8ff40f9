"""Chapter 15: three people train one spam filter together, and nobody shows a message to anybody.

Learnt here: everyone gets the shared model, trains a copy on their own messages and hands back weights only; the
average of the three becomes the next shared model. It ends about as good as a model that has read everything. That
nobody shows a message does not mean that nobody could read it: see `ch15_weight_update_leaks.py`.

The book's loop uses `copy` before it is imported. It adds the three models and divides by 3, though Sue has most of the
messages; here everyone counts as often as they have messages. For one step of everybody that is the step that a model
of all messages would make.
"""

import argparse
import copy

from federation import SpamFilter, average, evaluate, mailboxes, read, train


def main() -> None:
    """Compare the federation with a model for all, and with everyone alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0, help="draw who has which messages, and those to test with")
    parser.add_argument("--plot", metavar="FILE", help="draw the accuracy after every round")
    options = parser.parse_args()

    learnt, tested = read(options.seed)
    owned = mailboxes(learnt)
    shared, pooled = SpamFilter(), SpamFilter()
    alone = {name: SpamFilter() for name in owned}
    history = {name: [] for name in ("pooled", "federation", *owned)}

    for turn in range(options.rounds):
        states = []
        for name, mailbox in owned.items():
            mine = copy.deepcopy(shared)  # the model travels to the messages
            train(mine, mailbox, turn)
            states.append(mine.state_dict())  # weights travel back
            train(alone[name], mailbox, turn)
        shared.load_state_dict(average(states, [len(mailbox) for mailbox in owned.values()]))
        train(pooled, learnt, turn)  # only to compare with: this one has read everything

        for name, model in {"pooled": pooled, "federation": shared, **alone}.items():
            history[name].append(evaluate(model, tested))
        accuracy, f1 = history["federation"][-1]
        print(f"round {turn + 1}: accuracy {accuracy:.3f}, F1 {f1:.3f}")

    print("\nafter the last round    accuracy    F1")
    for name, scores in history.items():
        size = len(owned.get(name, learnt))
        print(f"{name:>10} ({size} messages) {scores[-1][0]:8.3f} {scores[-1][1]:6.3f}")
    accuracy = history["federation"][-1][0]
    error = (accuracy * (1 - accuracy) / len(tested)) ** 0.5  # the standard error of a share
    print(f"tested with {len(tested)} messages, an accuracy is uncertain: its standard error is about {error:.3f}")
    if options.plot:
        draw(history, options.plot)


def draw(history: dict, file: str) -> None:
    """Draw how the accuracies grow."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name, scores in history.items():
        together = name in ("pooled", "federation")
        turns = range(1, len(scores) + 1)
        axes.plot(
            turns, [100 * a for a, _ in scores], label=name, lw=2.4 if together else 1.2, alpha=1 if together else 0.6
        )
    axes.set(xlabel="round", ylabel="accuracy on new messages (%)", title="Together without sharing messages")
    figure.legend(frameon=False, loc="outside right upper")  # where it hides no curve
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()

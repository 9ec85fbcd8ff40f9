"""Chapter 12: the mean of its words' vectors stands for a sentence, so that like sentences can be found.

The words learn their vectors while they learn to tell praise from blame (chapter 11), so sentences are alike here when
they judge alike, whatever film they are about. The order of words does not count: the next scripts mend that.

The book's search compares dot products, of which long vectors have the larger ones, and its normalisation multiplies
by the squared length where it means to divide by the length; here the cosine of the angle decides.
"""

import argparse
import re

import numpy as np
from ch11_sentiment_from_word_embeddings import learn

import fastgrok
from fastgrok.data import film_reviews
from fastgrok.nn import functional as F


def sentence_vectors(vectors, texts):
    """Return the mean of the vectors of each text's known words (N, D)."""
    rows = [[vectors[word] for word in re.findall(r"[\w']+", text) if word in vectors] for text in texts]
    nothing = [np.zeros(vectors.vectors.shape[1])]
    return fastgrok.from_numpy(np.array([np.mean(row or nothing, axis=0) for row in rows]))


def main():
    """Learn the words, then look for the sentences most like others, and count how often they judge alike."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    fastgrok.manual_seed(1)
    texts, praise = film_reviews(stand_in=True)
    order = fastgrok.randperm(len(texts)).numpy()
    tested, training = order[: len(texts) // 10], order[len(texts) // 10 :]
    vectors, _ = learn(texts, praise, training, tested, options.epochs)
    table = sentence_vectors(vectors, texts)

    for query in ("a boring and badly acted mess", "a wonderful and touching film", "not good"):
        cosines = F.cosine_similarity(sentence_vectors(vectors, [query]), table).numpy()
        print(f"{query}:")
        for i in np.argsort(-cosines, kind="stable")[:3]:
            print(f"    {cosines[i]:.2f} {texts[i][:70]}")

    # Of a sentence that was not trained on: does the most similar one that was trained on judge alike?
    directions = F.normalize(table)
    nearest = (directions[tested] @ directions[training].T).argmax(1).numpy()
    alike = praise[training[nearest]] == praise[tested]
    print(f"\nthe most similar sentence judges alike: {alike.mean():.0%} of the time")


if __name__ == "__main__":
    main()

"""Count what is in the lexicon that the package vaderSentiment ships: lines, ratings, words that occur twice, means that disagree.

An oracle: it shares no code with the product; it cuts lines at tabs and lists at commas.

    python vader_counts.py [vader_lexicon.txt]
"""

import json
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path


def lexicon():
    """Return the path of the installed lexicon."""
    return Path(find_spec("vaderSentiment").origin).with_name("vader_lexicon.txt")


def count(path):
    """Return the figures of a lexicon as a dict."""
    lines = Path(path).read_bytes().decode("utf-8").replace("\r\n", "\n").rstrip("\n").split("\n")
    rows = [line.split("\t") for line in lines]
    ratings = [[int(number) for number in row[3].strip("[]").split(",")] for row in rows]
    twice = Counter(row[0] for row in rows)
    means = [(row[0], row[1], sum(rating) / len(rating)) for row, rating in zip(rows, ratings, strict=True)]
    return {
        "lines": len(rows),
        "ratings": sum(map(len, ratings)),
        "raters": sorted({len(rating) for rating in ratings}),
        "lowest": min(map(min, ratings)),
        "highest": max(map(max, ratings)),
        "twice": sorted(word for word, times in twice.items() if times > 1),
        "disagree": [[word, said, round(mean, 2)] for word, said, mean in means if abs(float(said) - mean) > 0.0501],
    }


if __name__ == "__main__":
    print(json.dumps(count(sys.argv[1] if len(sys.argv) > 1 else lexicon()), indent=1, ensure_ascii=False))

"""Count what is in a folder of Pascal VOC files: pictures, boxes, boxes without area, near-duplicates; straight from the XML.

An oracle: it shares no code with the product. Near-duplicates are pairs of boxes of one picture and one label whose
intersection over union exceeds 0.8; copies are pairs of one size that stand apart by at most a tenth of it.

    python bccd_counts.py FOLDER
"""

import json
import sys
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET


def corners(thing):
    """Return (xmin, ymin, xmax, ymax) of an object's element."""
    box = thing.find("bndbox")
    return tuple(float(box.findtext(name)) for name in ("xmin", "ymin", "xmax", "ymax"))


def boxes(path):
    """Return [(label, xmin, ymin, xmax, ymax)] of a file."""
    return [(thing.findtext("name"), *corners(thing)) for thing in ET.parse(path).getroot().iter("object")]


def overlap(one, two):
    """Return the intersection over union of two boxes."""
    wide = min(one[3], two[3]) - max(one[1], two[1])
    high = min(one[4], two[4]) - max(one[2], two[2])
    shared = max(wide, 0) * max(high, 0)
    union = sum((box[3] - box[1]) * (box[4] - box[2]) for box in (one, two)) - shared
    return shared / union if union else 0


def copies(found):
    """Return the pairs of a file's boxes of which one is the other, moved a little: (from, to)."""
    return [
        (a, b)
        for a, b in combinations(found, 2)
        if a[0] == b[0] and (a[3] - a[1], a[4] - a[2]) == (b[3] - b[1], b[4] - b[2]) and a != b
        and 10 * abs(a[1] - b[1]) <= a[3] - a[1] and 10 * abs(a[2] - b[2]) <= a[4] - a[2]
    ]  # fmt: skip


def count(folder):
    """Return the figures of a folder as a dict."""
    figures = {"items": 0, "records": 0, "zero_area": 0, "near_duplicates": 0, "labels": {}}
    for path in sorted(Path(folder).glob("*.xml")):
        found = boxes(path)
        figures["items"] += 1
        figures["records"] += len(found)
        figures["zero_area"] += sum(box[1] == box[3] or box[2] == box[4] for box in found)
        figures["near_duplicates"] += sum(a[0] == b[0] and overlap(a, b) > 0.8 for a, b in combinations(found, 2))
        for box in found:
            figures["labels"][box[0]] = figures["labels"].get(box[0], 0) + 1
    return figures


def doubled(folder, threshold=0.8):
    """Return {picture: [pairs of boxes that all but coincide]} of a folder."""
    found = {}
    for path in sorted(Path(folder).glob("*.xml")):
        pairs = [(a, b) for a, b in combinations(boxes(path), 2) if a[0] == b[0] and overlap(a, b) > threshold]
        if pairs:
            found[path.stem] = pairs
    return found


def copied(folder):
    """Return how many boxes of a folder are another one of their picture, moved a little."""
    return sum(len(copies(boxes(path))) for path in sorted(Path(folder).glob("*.xml")))


def outside(folder):
    """Return how many boxes of a folder reach out of their picture."""
    number = 0
    for path in sorted(Path(folder).glob("*.xml")):
        size = ET.parse(path).getroot().find("size")
        wide, high = float(size.findtext("width")), float(size.findtext("height"))
        number += sum(box[1] < 0 or box[2] < 0 or box[3] > wide or box[4] > high for box in boxes(path))
    return number


if __name__ == "__main__":
    print(json.dumps(count(sys.argv[1]), indent=1))

"""Count what is in a folder of Pascal VOC files: pictures, boxes, boxes without area, near-duplicates; straight from the XML.

An oracle: it shares no code with the product. Near-duplicates are pairs of boxes of one picture and one label whose
intersection over union exceeds 0.8.

    python bccd_counts.py FOLDER
"""

import json
import sys
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET


def boxes(path):
    """Return [(label, xmin, ymin, xmax, ymax)] of a file."""
    found = []
    for thing in ET.parse(path).getroot().iter("object"):
        corners = thing.find("bndbox")
        found.append(
            (thing.findtext("name"), *(float(corners.findtext(name)) for name in ("xmin", "ymin", "xmax", "ymax")))
        )
    return found


def overlap(one, two):
    """Return the intersection over union of two boxes."""
    wide = min(one[3], two[3]) - max(one[1], two[1])
    high = min(one[4], two[4]) - max(one[2], two[2])
    shared = max(wide, 0) * max(high, 0)
    union = sum((box[3] - box[1]) * (box[4] - box[2]) for box in (one, two)) - shared
    return shared / union if union else 0


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


if __name__ == "__main__":
    print(json.dumps(count(sys.argv[1]), indent=1))

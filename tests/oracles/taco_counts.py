"""Count what really changed between two COCO files: straight from the JSON, images told by a field, annotations by their outline.

An oracle: it shares no code with the product, and knows this one collection. An image is the same when its field is, else
when nearly all of its outlines are found on one image that is not claimed. An annotation is the same when its outline is, on
the same image; every outline of the collection is unique on its image.

    python taco_counts.py OLD NEW FIELD
"""

import json
import sys
from collections import Counter, defaultdict


def load(path, field):
    """Return {value of the field: {outline: (category name, bbox)}} of a file."""
    with open(path, encoding="utf-8") as file:
        said = json.load(file)
    names = {category["id"]: category["name"] for category in said["categories"]}
    urls = {image["id"]: image[field] for image in said["images"]}
    found = {url: {} for url in urls.values()}
    for one in said["annotations"]:
        outline = json.dumps(one["segmentation"])
        held = found[urls[one["image_id"]]]
        assert outline not in held
        held[outline] = (names[one["category_id"]], tuple(one["bbox"]))
    return found


def same_images(old, new):
    """Return {new image: old image}."""
    pairs = {url: url for url in new if url in old}
    where = defaultdict(set)
    for url in old.keys() - pairs.keys():
        for outline in old[url]:
            where[outline].add(url)
    for url in new.keys() - pairs.keys():
        votes = Counter(other for outline in new[url] for other in where.get(outline, ()))
        best = votes.most_common(1)
        if best and best[0][1] * 2 >= min(len(new[url]), len(old[best[0][0]])):
            assert best[0][0] not in pairs.values()
            pairs[url] = best[0][0]
    return pairs


def compare(old_path, new_path, field="flickr_url"):
    """Return the figures as a dict; `moved` counts (old label, new label)."""
    old, new = load(old_path, field), load(new_path, field)
    pairs = same_images(old, new)
    figures = {
        "images_added": len(new) - len(pairs),
        "images_removed": len(old) - len(pairs),
        "added": 0,
        "removed": 0,
        "moved": Counter(),
        "changed": 0,
    }
    for url, held in new.items():
        before = old[pairs[url]] if url in pairs else {}
        figures["added"] += len(held.keys() - before.keys())
        figures["removed"] += len(before.keys() - held.keys())
        for outline in held.keys() & before.keys():
            figures["changed"] += held[outline] != before[outline]
            if held[outline][0] != before[outline][0]:
                figures["moved"][before[outline][0], held[outline][0]] += 1
    figures["removed"] += sum(len(old[url]) for url in old.keys() - set(pairs.values()))
    return figures


def by_number(old_path, new_path):
    """Return how many of the annotation numbers there were mean another outline now, or nothing."""
    sides = []
    for path in (old_path, new_path):
        with open(path, encoding="utf-8") as file:
            said = json.load(file)
        sides.append({(one["image_id"], one["id"]): json.dumps(one["segmentation"]) for one in said["annotations"]})
    return sum(sides[1].get(number) != outline for number, outline in sides[0].items())


if __name__ == "__main__":
    found = compare(*sys.argv[1:4])
    print(json.dumps({**found, "moved": [[*pair, number] for pair, number in found["moved"].items()]}, indent=1))

"""Scan texts with presidio-analyzer's patterns, without a language model: `peer_presidio.py FILE` prints spans as JSON a line.

Run by the Python of the peer. Its default model is on no package index, so the NLP engine is a blank pipeline: tokens and
lemmas of English, no names. Names of types are Presidio's own.
"""

import json
import sys
import warnings
from pathlib import Path

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine

THRESHOLD = 0.35


class Blank(SpacyNlpEngine):
    """spaCy's tokenizer and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.nlp = {"en": spacy.blank("en")}

    def load(self) -> None:
        """Load nothing."""


def main(path: str) -> None:
    """Print what is found in each text."""
    warnings.simplefilter("ignore")
    tldextract.extract = tldextract.TLDExtract(
        suffix_list_urls=()
    )  # else it asks the network for a list at each address
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("SpacyRecognizer")
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
    for line in Path(path).read_bytes().splitlines():
        found = engine.analyze(text=json.loads(line), language="en", score_threshold=THRESHOLD)
        sys.stdout.write(json.dumps([[one.start, one.end, one.entity_type] for one in found]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

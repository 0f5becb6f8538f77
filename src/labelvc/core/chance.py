"""Chance: how likely so many successes are, by luck alone; bounds that hold for any number of trials."""

from __future__ import annotations

from math import exp, inf, lgamma, log

_NEGLIGIBLE = 1e-18


def at_least(trials: int, successes: int, share: float) -> float:
    """Return the probability of so many successes or more in independent trials: the upper tail of the binomial.

    Args:
        trials: how many.
        successes: how many of them, at least.
        share: the probability of one success, 0 to 1.
    """
    if successes <= 0:
        return 1.0
    if share <= 0 or successes > trials:
        return 0.0
    if share >= 1:
        return 1.0
    if successes <= share * trials:  # the smaller side is summed, which keeps every digit
        return 1.0 - at_least(trials, trials - successes + 1, 1 - share)
    total, odds = 0.0, share / (1 - share)
    term = exp(
        lgamma(trials + 1) - lgamma(successes + 1) - lgamma(trials - successes + 1)
        + successes * log(share) + (trials - successes) * log(1 - share)
    )  # fmt: skip
    for at in range(successes, trials + 1):
        total += term
        if term < total * _NEGLIGIBLE:
            break
        term *= odds * (trials - at) / (at + 1)
    return min(total, 1.0)


def at_least_of_unequal(trials: int, successes: float, expected: float) -> float:
    """Return a bound on the probability of so many successes or more, where each trial has a probability of its own.

    Hoeffding 1963, Probability inequalities for sums of bounded random variables, theorem 1: it needs the sum of the
    probabilities only, so shards add up.

    Args:
        trials: how many.
        successes: how many of them, at least.
        expected: the sum of the probabilities.
    """
    if trials <= 0 or successes <= expected:
        return 1.0
    seen, mean = min(successes / trials, 1.0), expected / trials
    if mean <= 0:
        return 0.0
    return exp(-trials * (_apart(seen, mean) + _apart(1 - seen, 1 - mean)))


def run_of(trials: int, successes: int, length: int) -> float:
    """Return a bound on the probability that successes stand so many in a row somewhere, all orders being equally likely.

    A run of that length begins at the first trial, or after a failure: the sum of the probabilities of all these places
    (Mood 1940, The distribution theory of runs, on runs in a random order; Boole's inequality for the sum).

    Args:
        trials: how many.
        successes: how many of them.
        length: of the run, one at least.
    """
    if length > successes:
        return 0.0
    there = lgamma(successes + 1) - lgamma(successes - length + 1) - lgamma(trials + 1) + lgamma(trials - length + 1)
    return min(1.0, exp(there) * (1 + trials - successes))


def _apart(seen: float, share: float) -> float:
    if seen <= 0:
        return 0.0
    return seen * log(seen / share) if share > 0 else inf

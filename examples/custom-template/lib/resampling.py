"""A module of one's own: confidence intervals without a formula."""

import random
from statistics import fmean, quantiles


def interval(values, resamples=200, seed=1):
    """The mean, and the bounds of its 95 % bootstrap interval."""
    chance = random.Random(seed)
    means = [fmean(chance.choices(values, k=len(values))) for _ in range(resamples)]
    cuts = quantiles(means, n=40)
    return fmean(values), cuts[0], cuts[-1]

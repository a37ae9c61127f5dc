"""Ranks, tests and bands against published and hand-made numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nasir.apps.compare.significance import (
    bootstrap_band,
    compare,
    friedman,
    holm,
    mean_ranks,
    wilcoxon,
)


def test_friedmans_test_equals_the_papers_example():
    """Demsar 2006, table 6: four classifiers on 14 data sets."""
    chi2, statistic, p_value = friedman(np.array([3.143, 2.000, 2.893, 1.964]), 14)
    assert chi2 == pytest.approx(9.28, abs=0.01)
    assert statistic == pytest.approx(3.69, abs=0.01)
    assert 0.01 < p_value < 0.05  # the paper: the critical value F(3, 39) for 0.05 is 2.85


def test_friedmans_chi_squared_equals_scipys():
    values = np.random.default_rng(0).normal(size=(9, 4)) + np.array([0, 0.5, 1, 0])
    chi2, _, _ = friedman(mean_ranks(values), 9)
    assert chi2 == pytest.approx(stats.friedmanchisquare(*values.T).statistic)


def test_blocks_that_all_agree_have_a_p_value_of_zero():
    assert friedman(np.array([1.0, 2.0, 3.0]), 5) == (10.0, float("inf"), 0.0)


def test_the_greatest_value_has_rank_1_and_ties_share_ranks():
    values = np.array([[0.9, 0.5, 0.5], [1.0, 2.0, 3.0]])
    assert mean_ranks(values).tolist() == [(1 + 3) / 2, (2.5 + 2) / 2, (2.5 + 1) / 2]


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.016, 0.007, 0.009], [0.021, 0.021, 0.021]),  # 3 x 0.007, and never less after it
        ([0.5, 0.6], [1.0, 1.0]),
        ([], []),
    ],
)
def test_holm_steps_down(p_values: list[float], adjusted: list[float]):
    assert holm(p_values) == pytest.approx(adjusted)


def test_the_signed_rank_test_of_six_wins_is_exact():
    """All six differences of one sign: 2 of the 2^6 equally likely outcomes are as extreme."""
    one = np.array([2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    other = one - [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert wilcoxon(one, other) == pytest.approx(2 / 64)
    assert wilcoxon(one, one) == 1.0


def test_methods_are_compared_with_the_best_ranked():
    rng = np.random.default_rng(1)
    noise = rng.normal(scale=0.1, size=(30, 3))
    comparison = compare(noise + np.array([0.0, 1.0, 0.99]))
    assert comparison is not None
    assert comparison.blocks == 30
    assert comparison.best in (1, 2)
    other = 3 - comparison.best
    assert comparison.ranks[0] == 3.0
    assert comparison.p_values[comparison.best] is None
    assert comparison.p_values[0] == pytest.approx(2 * 2 / 2**30)
    assert comparison.p_values[other] > 0.01
    assert comparison.friedman < 1e-6


@pytest.mark.parametrize("shape", [(1, 3), (3, 1)])
def test_one_block_or_one_method_cannot_be_compared(shape: tuple[int, int]):
    assert compare(np.zeros(shape)) is None


def test_a_band_holds_the_mean_of_19_in_20_samples():
    """And of the mean of n normal values it is about 1.96 sigma / sqrt(n) wide on each side."""
    rng = np.random.default_rng(2)
    samples = rng.normal(5, 2, size=(50, 400))
    low, high = bootstrap_band(samples)
    assert 0.90 < np.mean((low < 5) & (high > 5)) < 0.98
    assert np.mean(high - low) / 2 == pytest.approx(1.96 * 2 / np.sqrt(50), rel=0.05)


def test_the_band_of_one_run_is_the_run():
    low, high = bootstrap_band(np.array([[1.0, 2.0]]))
    assert low.tolist() == high.tolist() == [1.0, 2.0]


def test_a_band_is_the_same_each_time():
    samples = np.random.default_rng(3).normal(size=(7, 3))
    assert np.array_equal(bootstrap_band(samples), bootstrap_band(samples))

"""The page's colours: readable (WCAG 2.2, AA) and told apart with every kind of colour vision, in light and in dark."""

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest
from pulumi_airlock.report.legend import legend_keys

CSS = (files("pulumi_airlock.report.page") / "css" / "colours.css").read_text()
PAIRS = {name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", CSS)}
THEMES = {name: {key: pair[number] for key, pair in PAIRS.items()} for number, name in enumerate(("light", "dark"))}
KEYS = [key for key, _, _ in legend_keys()]
VISIONS = {
    "normal": np.eye(3),
    # Machado, Oliveira and Fernandes 2009, "A Physiologically-based Model for Simulation of Color Vision Deficiency", severity 1.
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted(float(weights @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Ottosson 2020: a space in which distances are about as large as they look."""
    to_lms = np.array([[0.4122215, 0.5363325, 0.0514460], [0.2119035, 0.6806995, 0.1073970], [0.0883025, 0.2817188, 0.6299787]])
    to_lab = np.array(
        [[0.2104543, 0.7936178, -0.0040720], [1.9779985, -2.4285922, 0.4505937], [0.0259040, 0.7827718, -0.8086758]]
    )
    return to_lab @ np.cbrt(np.clip(to_lms @ rgb, 0, None))


def distance(one: str, other: str, vision: str) -> float:
    seen = [oklab(np.clip(VISIONS[vision] @ linear(colour), 0, 1)) for colour in (one, other)]
    return float(np.linalg.norm(seen[0] - seen[1]))


def test_the_measures_are_those_of_their_inventors() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert oklab(linear("#ffffff")) == pytest.approx([1, 0, 0], abs=1e-3)
    assert oklab(linear("#ff0000")) == pytest.approx([0.628, 0.225, 0.126], abs=1e-3)


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_can_be_read(theme: str) -> None:
    colours = THEMES[theme]
    texts = [(f"on-{key}", key) for key in KEYS]
    texts += [(ink, page) for ink in ("text", "quiet", "link") for page in ("page", "raised")]
    texts += [(ink, page) for ink in ("well", "wrong", "doubt") for page in ("page", "raised", f"{ink}-page")]
    texts += [("text", f"{ink}-page") for ink in ("well", "wrong", "doubt")] + [("quiet", "wrong-page"), ("quiet", "doubt-page")]
    too_weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in texts}
    assert {pair: found for pair, found in too_weak.items() if found < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_every_edge_and_the_focus_can_be_seen(theme: str) -> None:
    colours = THEMES[theme]
    assert contrast(colours["strong-line"], colours["page"]) >= 3
    assert min(contrast(colours["focus"], colours[page]) for page in ("page", "raised")) >= 3
    # What fails the proof stands out from the page by itself, without its sign.
    assert min(contrast(colours[key], colours["page"]) for key in ("excess", "blocked", "declared")) >= 3


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", THEMES)
def test_what_fails_is_told_from_everything_with_every_kind_of_colour_vision(theme: str, vision: str) -> None:
    """0.02 is about the least difference that anybody sees; these are several times as far apart."""
    colours = THEMES[theme]
    faults = ("excess", "blocked", "unproven", "declared")
    for one, other in combinations(KEYS, 2):
        least = 0.14 if one in faults or other in faults else 0.015
        assert distance(colours[one], colours[other], vision) >= least, (one, other)


def test_no_two_signs_are_alike() -> None:
    signs = [sign for _, sign, _ in legend_keys()]
    assert len(set(signs)) == len(signs)

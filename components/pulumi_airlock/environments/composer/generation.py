"""Which Composer an image is, and which inputs that generation does not have: those are refused, never ignored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import Problems
from .limits import AIRFLOW_MAJORS, END_OF_LIFE, IMAGE, ONLY_IN, SINCE


@dataclass(frozen=True, slots=True)
class Image:
    """An image version, taken apart."""

    text: str
    generation: int
    version: tuple[int, ...]
    """Composer 2's version; Composer 3 has none. Empty, as `airflow`, where the text does not tell it (`meant_by`)."""
    airflow: str
    build: str
    """`-build.12`; empty where none is named."""


def parse_image(text: str) -> Image | None:
    """The image of a whole version; None for anything else."""
    found = IMAGE.fullmatch(text)
    if found is None:
        return None
    composer = found["composer"].partition("-")[0]
    version = tuple(map(int, composer.split("."))) if composer != "3" else ()
    return Image(text, int(composer[0]), version, found["airflow"], found["build"] or "")


def meant_by(text: str) -> tuple[Image, ...]:
    """What a text that names no image may mean: one of the generation that it begins with, or of either, Composer 3 first."""
    either = tuple(Image(text, generation, (), "", "") for generation in (3, 2))
    return tuple(one for one in either if text.startswith(f"composer-{one.generation}")) or either


def check_image(text: str, problems: Problems) -> tuple[Image | None, list[str]]:
    """The image, with problems noted and warnings returned; None where it is none."""
    image = parse_image(text)
    if image is None:
        if text.startswith("composer-1"):
            problems.add("image_version", f"{text!r}: Composer 1 ended on {END_OF_LIFE[1]}; write composer-3-airflow-…-build.…")
        else:
            fix = "write a whole version: composer-3-airflow-2.10.5-build.12, or composer-2.16.7-airflow-2.10.5"
            problems.add("image_version", f"{text!r}: {fix}")
        return None, []
    if image.generation == 2 and image.version < END_OF_LIFE[0]:
        problems.add("image_version", f"{text}: Composer 2.0 ended on {END_OF_LIFE[1]}; write composer-2.1.0 or later")
    if image.generation == 2 and image.build:
        problems.add("image_version", f"{text}: builds are Composer 3's; leave {image.build} out")
    majors = AIRFLOW_MAJORS[image.generation]
    if int(image.airflow.split(".")[0]) not in majors:
        listed = " and ".join(map(str, majors))
        problems.add("image_version", f"{text}: Composer {image.generation} runs Airflow {listed}; write another image")
    if image.generation == 3 and not image.build:
        return image, [f"{text} names no build: Google takes the newest of the day; write {text}-build.…"]
    return image, []


def check_generation(given: Mapping[str, Any], image: Image, problems: Problems) -> None:
    """Notes every input that is given and that the image's generation does not have, or does not have yet.

    `given`: input → its value, None, empty or False where it is not given.
    """
    for path, (generation, instead) in ONLY_IN.items():
        if _is_given(given.get(path)) and generation != image.generation:
            what = f"is an input of Composer {generation}, and {image.text} is Composer {image.generation}"
            problems.add(path, f"{what}: {instead}")
    for path, since in SINCE.items():
        if image.generation == 2 and _is_given(given.get(path)) and () < image.version < since:
            needed = ".".join(map(str, since))
            what = f"needs Composer {needed} or later, and {image.text} is older"
            problems.add(path, f"{what}: write another image, or leave it out")


def _is_given(value: Any) -> bool:
    # By kind: an output has no truth value, and 0 is a number that somebody wrote.
    return value is not None and not (isinstance(value, str | list | tuple | Mapping) and not value)

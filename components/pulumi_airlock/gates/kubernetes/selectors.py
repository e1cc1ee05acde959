"""Label selectors (Kubernetes API, `LabelSelector`): `matchLabels` and `matchExpressions`, all of which must hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..stack import UNKNOWN, mapping


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: str
    """In, NotIn, Exists, DoesNotExist."""
    values: frozenset[str] = frozenset()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether some labels fulfil it. NotIn holds where the label is absent (Kubernetes, "Labels and Selectors")."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels

    def __str__(self) -> str:
        values = ", ".join(sorted(self.values))
        if self.operator == "In" and len(self.values) == 1:
            return f"{self.key}={values}"
        return f"{self.key} {self.operator}" + (f" ({values})" if self.values else "")


_OPERATORS = {"in": "In", "notin": "NotIn", "exists": "Exists", "doesnotexist": "DoesNotExist"}


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """A selector; without requirements it selects everything. What a missing selector means is its field's to say."""

    requirements: tuple[Requirement, ...] = ()
    unknown: tuple[str, ...] = ()
    """What of it is not known: it may select fewer than it seems to."""

    @classmethod
    def parse(cls, value: Any, where: str = "selector") -> "LabelSelector":
        """From its form in the API; `where`: how to call it where it is unknown."""
        if value is None:
            return cls()
        if not isinstance(value, Mapping):
            return cls(unknown=(where,))
        found: list[Requirement] = []
        unknown: list[str] = []
        labels = value.get("matchLabels")
        if labels is not None and not isinstance(labels, Mapping):
            unknown.append(f"{where}.matchLabels")
        for key, text in mapping(labels).items():
            if text is UNKNOWN:
                unknown.append(f"{where}.matchLabels.{key}")
                found.append(Requirement(str(key), "Exists"))
            else:
                found.append(Requirement(str(key), "In", frozenset({str(text)})))
        expressions = value.get("matchExpressions")
        for number, one in enumerate(expressions if isinstance(expressions, list | tuple) else [expressions]):
            if one is None or (one is not UNKNOWN and not isinstance(one, Mapping)):
                continue
            parsed = None if one is UNKNOWN else _requirement(one)
            if parsed is None:
                unknown.append(f"{where}.matchExpressions[{number}]")
            else:
                found.append(parsed)
        return cls(tuple(found), tuple(unknown))

    @classmethod
    def of_labels(cls, labels: Any, where: str = "selector") -> "LabelSelector":
        """A plain map of labels, as Services have it."""
        return cls.parse({"matchLabels": labels}, where)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether it selects what has these labels; with `unknown`, whether it may."""
        return all(one.holds(labels) for one in self.requirements)

    @property
    def everything(self) -> bool:
        """Whether it surely selects everything."""
        return not self.requirements and not self.unknown

    def __str__(self) -> str:
        return ", ".join(map(str, self.requirements)) or "everything"


def _requirement(one: Mapping[str, Any]) -> Requirement | None:
    key, operator, values = one.get("key"), one.get("operator"), one.get("values", ())
    name = _OPERATORS.get(str(operator).lower())
    values = () if values is None else values
    if not isinstance(key, str) or name is None or not isinstance(values, list | tuple) or UNKNOWN in values:
        return None
    return Requirement(key, name, frozenset(map(str, values)) if name in ("In", "NotIn") else frozenset())

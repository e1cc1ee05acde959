"""`airlock verify`: whether the logs of Zscaler, and of the network around it, show what the stack compiled. No SDK needed.

`expected` says what a stack expects, `verifying` goes through the logs, `packets` judges flows, `judging` the decisions of ZPA
and ZIA, by the routes (`declaring`) and by the proof's own filters (`deciding`).
"""

from ..logs.files import check_files, lines_of
from .expected import Expected, Way, expected_of
from .model import Fault, Finding, Line, Row, Tally, Verification
from .verifying import Verifier

__all__ = [
    "Expected",
    "Fault",
    "Finding",
    "Line",
    "Row",
    "Tally",
    "Verification",
    "Verifier",
    "Way",
    "check_files",
    "expected_of",
    "lines_of",
]

"""What was there before Airlock: configurations as a stack, and the access file that says what Airflow can reach by them.

Each kind of source is a module of one shape: `recognizes` tells a file by what is in it, `read` makes of it the resources that a
Pulumi program would have. So every reader of a gate, the proof, and what else is asked of a stack work on it as on any other. To
add a kind, add its module, and its name to `reading.MODULES`.

In order: `read_sources`, `without_strangers`, `draft`, `access_file`; `document_of` and `text_of` write the stack down.
"""

from .drafting import Draft, Why, draft
from .making import Options, Told
from .meeting import without_strangers
from .reading import Imported, document_of, read_sources, text_of, with_access
from .writing import access_file

__all__ = [
    "Draft",
    "Imported",
    "Options",
    "Told",
    "Why",
    "access_file",
    "document_of",
    "draft",
    "read_sources",
    "text_of",
    "with_access",
    "without_strangers",
]

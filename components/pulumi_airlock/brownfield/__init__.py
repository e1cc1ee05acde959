"""What was there before Airlock: configurations as a stack, and the access file that says what Airflow can reach by them.

Each kind of source is a module of one shape: `recognizes` tells a file by what is in it, `read` makes of it the resources that a
Pulumi program would have. So every reader of a gate, the proof, and what else is asked of a stack work on it as on any other. To
add a kind, add its module, and its name to `reading.MODULES`.
"""

from .making import Options, Told
from .reading import Imported, document_of, read_sources, text_of, with_access

__all__ = ["Imported", "Options", "Told", "document_of", "read_sources", "text_of", "with_access"]

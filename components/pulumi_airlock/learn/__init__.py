"""`airlock learn` and `airlock unused`: what logs show of who reaches what, as routes, and held against routes. Needs DuckDB.

`seen` counts connections, `runs` reads task runs, `evidence` joins them (`attributing` where the log shows the worker alone),
`proposing` makes routes of it and `writing` an access file; `usage` looks for routes without use; `remote` counts elsewhere.
"""

from .evidence import Evidence, Learnt, Task, learn
from .proposing import Proposal, Proposed, added, propose
from .remote import query, read_aggregated
from .runs import TaskRun, Worker, check_runs, read_runs, worker_of
from .seen import Seen, opened
from .usage import Usage, Verdict, gate_kinds, unused
from .writing import fragment, merged, to_json

__all__ = [
    "Evidence",
    "Learnt",
    "Proposal",
    "Proposed",
    "Seen",
    "Task",
    "TaskRun",
    "Usage",
    "Verdict",
    "Worker",
    "added",
    "check_runs",
    "fragment",
    "gate_kinds",
    "learn",
    "merged",
    "opened",
    "propose",
    "query",
    "read_aggregated",
    "read_runs",
    "to_json",
    "unused",
    "worker_of",
]

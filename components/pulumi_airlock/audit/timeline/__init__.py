"""`airlock audit`: the logs of the provider, of the TCP proxy and of other gates, joined into one timeline a task run. No SDK.

`reading` knows lines, `joining` puts them together, `asking` picks out what is asked, `trail` goes through logs; `ocsf` hands
on what gates logged, in the schema of the provider's events.
"""

from .asking import Question, day, moment, zone_of
from .model import Entry, Place, Run, Session, Trail, What, Who
from .ocsf import ocsf
from .trail import read

__all__ = ["Entry", "Place", "Question", "Run", "Session", "Trail", "What", "Who", "day", "moment", "ocsf", "read", "zone_of"]

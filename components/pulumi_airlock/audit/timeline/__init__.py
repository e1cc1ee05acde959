"""`airlock audit`: the logs of the provider, of the TCP proxy and of other gates, joined into one timeline a task run. No SDK.

`reading` knows lines, `joining` puts them together, `asking` picks out what is asked, `trail` goes through logs.
"""

from .asking import Question, day, moment, zone_of
from .model import Entry, Place, Run, Session, Trail, What, Who
from .trail import read

__all__ = ["Entry", "Place", "Question", "Run", "Session", "Trail", "What", "Who", "day", "moment", "read", "zone_of"]

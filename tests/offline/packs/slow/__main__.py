import os
import subprocess
import sys
import time
from typing import Any

from pulumi_policy import PolicyPack, ResourceValidationPolicy

if os.environ.get("SLOW_START"):
    time.sleep(60)

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL)
print(f"child {child.pid}", file=sys.stderr)


def wait(args: Any, report: Any) -> None:
    time.sleep(60)


PolicyPack(name="slow", policies=[ResourceValidationPolicy(name="wait", description="Waits.", validate=wait)])

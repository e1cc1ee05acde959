"""What a cloud's command line printed, and somebody damaged, is refused or read: nothing of it is a fault of ours."""

import json
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.brownfield import Options, access_file, draft, read_sources, without_strangers
from pulumi_airlock.errors import InputError
from test_import_google import AT, FILES
from test_import_transit import through_transit

ODD = st.sampled_from([None, "x", 5, -1, True, [], {}, ["a"], [{}], [None], {"a": 1}, "999.1.1.1/40"])


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """The files of a network, one of them with a value that is another, or gone."""
    files = deepcopy(draw(st.sampled_from([FILES, through_transit()])))
    node: Any = files
    key: Any = draw(st.sampled_from(sorted(files)))
    while isinstance(node[key], dict | list) and node[key] and (node is files or draw(st.integers(0, 3))):
        node = node[key]
        key = draw(st.sampled_from(sorted(node)) if isinstance(node, dict) else st.integers(0, len(node) - 1))
    if draw(st.booleans()) and isinstance(node, dict):
        del node[key]
    else:
        node[key] = deepcopy(draw(ODD))
    return files


@settings(deadline=None, max_examples=80)
@given(damaged())
def test_a_damaged_document_is_refused_or_read(files: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, document in files.items():
            (Path(folder) / name).write_text(json.dumps(document))
        try:
            found = read_sources([Path(folder)], Options())
            made = draft(without_strangers(found.stack)[0], {}, AT)
        except InputError:
            return
        assert access_file(made, [folder]).startswith("# What Airflow can reach today")

"""What a replaced evaluation said of its data goes with its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

from hybridret.reporting.collect import collect


def test_notes_of_a_replaced_evaluation_are_gone(fabricate: ModuleType, tmp_path: Path) -> None:
    path = fabricate.run(tmp_path, "mono", 1)
    first = json.loads((path / "result.json").read_text())
    fabricate.write_json(path / "result.json", first | {"notes": {"cldr_combinations": {"languages": "old"}}})
    again = path / "evaluations" / "again"
    fabricate.write_rows(
        again / "metrics.csv", fabricate.metric_rows("cldr_combinations", ("en", "de"), (0.5, 0.5, 0.5, 3.0), 1)
    )
    later = {"notes": {"cldr_combinations": {"languages": "new"}}, "finished": "2027-01-01T00:00:00+00:00"}
    fabricate.write_json(again / "result.json", first | later)
    notes = collect(tmp_path).notes
    assert notes["text"].tolist() == ["new"]

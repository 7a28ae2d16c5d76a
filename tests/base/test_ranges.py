"""Ranges of settings: what is refused, what is converted, and what the message says."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf

from hybridret.base.errors import UserError
from hybridret.base.range_words import Because, OrInfinite, described
from hybridret.base.ranges import (
    Count,
    Natural,
    NotNegative,
    Positive,
    Share,
    bounded,
    check_ranges,
    check_section,
    check_value,
    checked,
)

Cutoffs = Annotated[list[Count], MinLen(1), Because("Name one or more, such as [10].")]
Norm = Annotated[float, Gt(0), OrInfinite(), Because("null turns it off.")] | None
Tile = Annotated[int, Ge(8), MultipleOf(8)]
Kind = Literal["fp32", "bf16"]


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (Count, 0, "a.b=0 must be at least 1."),
        (Count, True, "a.b=True must be a whole number, at least 1."),
        (Count, 1.5, "a.b=1.5 must be a whole number, at least 1."),
        (Count, 2.0, "a.b=2.0 must be a whole number, at least 1."),
        (Count, math.nan, "a.b=nan must be a whole number, at least 1."),
        (Count, "many", "a.b='many' must be a whole number, at least 1."),
        (Count, "1.5", "a.b='1.5' must be a whole number, at least 1."),
        (Count, None, "a.b=null must be a whole number, at least 1."),
        (Count, [], "a.b=[] must be a whole number, at least 1."),
        (Count | None, -3, "a.b=-3 must be at least 1, or null."),
        (Natural, -1, "a.b=-1 must be at least 0."),
        (Tile, 9, "a.b=9 must be at least 8 and a multiple of 8."),
        (Share, -0.01, "a.b=-0.01 must be from 0 to 1."),
        (Share, 1.01, "a.b=1.01 must be from 0 to 1."),
        (Share, True, "a.b=True must be a number, from 0 to 1."),
        (Share, math.nan, "a.b=nan must be a number, from 0 to 1."),
        (Share, "nan", "a.b='nan' must be a number, from 0 to 1."),
        (Share, math.inf, "a.b=inf must be from 0 to 1."),
        (Share, "half", "a.b='half' must be a number, from 0 to 1."),
        (Positive, 0, "a.b=0 must be above 0 and finite in single precision."),
        (Positive, 1.5e300, "a.b=1.5e+300 must be above 0 and finite in single precision."),
        (Positive, 10**400, f"a.b=1{79 * '0'}... must be above 0 and finite in single precision."),
        (NotNegative, -math.inf, "a.b=-inf must be a number, at least 0 and finite in single precision."),
        (float, math.inf, "a.b=inf must be a finite number."),
        (float, -math.nan, "a.b=nan must be a finite number."),
        (Norm, math.nan, "a.b=nan must be a number, above 0, or null. null turns it off."),
        (Norm, 0, "a.b=0 must be above 0, or null. null turns it off."),
        (Annotated[float, Ge(0), Lt(1)], 1, "a.b=1 must be at least 0 and below 1."),
        (Annotated[float, Gt(0), Le(1)], 0.0, "a.b=0.0 must be above 0 and at most 1."),
        (Kind, "fp16", "a.b=fp16: choose one of fp32, bf16. Did you mean 'bf16'?"),
        (Kind, "int8", "a.b=int8: choose one of fp32, bf16."),
        (Kind, None, "a.b=null: choose one of fp32, bf16."),
        (Kind | None, "int8", "a.b=int8: choose one of fp32, bf16, or null."),
        (Cutoffs, [10, 0], "a.b=[10, 0]: 0 must be at least 1. Name one or more, such as [10]."),
        (Cutoffs, [True], "a.b=[True]: True must be a whole number, at least 1. Name one or more, such as [10]."),
        (Cutoffs, [], "a.b=[] is empty. Name one or more, such as [10]."),
        (Cutoffs, 10, "a.b=10: it must be a list, a.b=[10]. Name one or more, such as [10]."),
        (list[Kind], ["fp23"], "a.b=['fp23']: fp23 is none of fp32, bf16. Did you mean 'fp32'?"),
        (Annotated[list[Share], MinLen(2), MaxLen(2)], [1], "a.b=[1] must have exactly 2 values."),
        (dict[str, Any], 3, "a.b=3: it is a mapping; set a.b.KEY=VALUE."),
        (bool, 7, "a.b=7: choose true or false."),
        (bool, 1.0, "a.b=1.0: choose true or false."),
        (str, None, "a.b=null must be a text."),
    ],
)
def test_refused(hint: Any, value: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        check_value(hint, value, "a.b")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("hint", "value", "kept"),
    [
        (Count, 1, 1),
        (Count, "3", 3),
        (Count, 10**30, 10**30),
        (Count | None, None, None),
        (Tile, 16, 16),
        (Share, 0, 0.0),
        (Share, 1, 1.0),
        (Share, "1e-4", 1e-4),
        (Norm, math.inf, math.inf),
        (Kind, "bf16", "bf16"),
        (Cutoffs, (1, "2"), [1, 2]),
        (list[str] | None, [1, "a"], ["1", "a"]),
        (str, 2026, "2026"),
        (str, True, "True"),
        (bool, 1, True),
        (bool, "off", False),
        (dict[str, Any], {"a": [1.5]}, {"a": [1.5]}),
        (Any, 1.5, 1.5),
        (tuple[float, float], (2, 3), (2, 3)),  # no yaml value: left alone, as torch's own annotations are
    ],
)
def test_kept_or_converted(hint: Any, value: Any, kept: Any) -> None:
    found = check_value(hint, value, "a.b")
    assert (found, type(found)) == (kept, type(kept))


def test_a_bound_around_a_union_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="inside the union"):
        check_value(Annotated[int | None, Ge(1)], 1, "a.b")


@dataclass(frozen=True)
class Inner:
    rate: Share
    name: str


@dataclass(frozen=True)
class Outer:
    inner: Inner
    steps: Count


def test_sections_become_objects() -> None:
    assert check_section(Outer, {"steps": "5", "inner": {"rate": 1, "name": 3}}) == Outer(Inner(1.0, "3"), 5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"step": 5}, "Unknown key step. Did you mean 'steps'?"),
        ({"steps": 5}, "inner is missing from the config: set it, inner=VALUE."),
        ({"steps": 0, "inner": {"rate": 2, "name": "a"}}, "steps=0 must be at least 1."),
        ({"steps": 5, "inner": 3}, "inner=3: it is a section; set inner.KEY=VALUE."),
        ({"steps": 5, "inner": {"rate": 2, "name": "a"}}, "inner.rate=2 must be from 0 to 1."),
        ({"steps": 5, "inner": {"rate": 1}}, "inner.name is missing from the config: set it, inner.name=VALUE."),
        ({"steps": 5, "inner": {"rate": 1, "names": "a"}}, "Unknown key inner.names. Did you mean 'name'?"),
    ],
)
def test_sections_name_the_whole_key(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        check_section(Outer, values)
    assert str(caught.value) == message


def test_an_object_made_by_hand_is_checked_as_it_is() -> None:
    check_ranges(Inner(0.5, "a"), "inner")
    for rate in (2, "0.5", None):
        with pytest.raises(UserError, match=r"^inner\.rate="):
            check_ranges(Inner(rate, "a"), "inner")  # type: ignore[arg-type]


@checked("loss")
class Plugin:
    def __init__(self, temperature: Positive, path: str | None = None, *, kind: Kind = "fp32") -> None:
        self.given = temperature, path, kind


@checked("loss")
@dataclass(frozen=True)
class Record:
    share: Share = 0.5


def test_constructors_check_what_has_a_bound_and_pass_it_on_as_given(tmp_path: Any) -> None:
    assert Plugin(1, tmp_path, kind="bf16").given == (1, tmp_path, "bf16")
    assert type(Plugin(1).given[0]) is int
    for wrong in ((0,), ("1",), (math.nan,)):
        with pytest.raises(UserError, match=r"^loss\.temperature="):
            Plugin(*wrong)
    with pytest.raises(UserError, match=r"^loss\.kind=fp8: choose one of"):
        Plugin(1, kind="fp8")
    with pytest.raises(TypeError, match="temperature"):
        Plugin()  # type: ignore[call-arg]
    assert Record() == Record(0.5)
    with pytest.raises(UserError, match=r"^loss\.share=1\.5 must be from 0 to 1\."):
        Record(1.5)


def test_bounds_can_be_read() -> None:
    assert {name: described(hint) for name, hint in bounded(Plugin).items()} == {
        "temperature": "a number, above 0 and finite in single precision",
        "kind": "one of fp32, bf16",
    }
    assert described(Count | None) == "a whole number, at least 1, or null"


def test_pydantic_waits_for_the_first_check() -> None:
    """`--help` and a class with bounds need none of it."""
    code = (
        "import sys; import hybridret.base.settings, hybridret.losses.infonce; assert 'pydantic' not in sys.modules;"
        "hybridret.losses.infonce.InfoNCE(0.1); assert 'pydantic' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""The templates of the page, in `templates/`. Jinja2 escapes every value that is not made by a template itself, and a
name that nobody gives is an error.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).with_name("templates")


@cache
def environment() -> Environment:
    """The environment of all templates."""
    found = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters["px"] = lambda value: f"{value:.1f}"  # coordinates of an SVG
    return found


def render(template: str, **values: Any) -> Markup:
    """`templates/NAME` with `values`, as markup that other templates take as it is.

    Raises jinja2.UndefinedError for a name that is neither given nor set in the template.
    """
    return Markup(environment().get_template(template).render(values).strip())


def call(template: str, macro: str, *arguments: Any) -> Markup:
    """What a macro of `templates/NAME` makes of `arguments`: a part of the page, "" for nothing. Raises as `render`."""
    return Markup(getattr(environment().get_template(template).module, macro)(*arguments).strip())

"""What a reader does with the page and sees of it, and the names that the page is made with."""

from __future__ import annotations

from typing import Any

from hybridret.reporting.answers.answer import Finding

LANGUAGES = ("ar", "de", "en")
HOSTILE = "</script><script>window.hit=1</script><img src=x onerror='window.hit=1'>=1"
MAIN = 'table[data-table="main_d"]'


def finding(text: str, importance: float) -> Finding:
    return Finding(text=text, decided=True, importance=importance, runs=2)


def column(page: Any, number: int, table: str = MAIN) -> list[str]:
    """The shown texts of a column, in their order."""
    script = """([table, number]) => [...document.querySelectorAll(`${table} tbody tr`)]
        .filter((row) => !row.hidden).map((row) => row.cells[number].firstChild.textContent)"""
    found: list[str] = page.evaluate(script, [table, number])
    return found


def choose(page: Any, name: str, value: str) -> None:
    """A click into a filter, as a reader does it."""
    page.click(f'[data-filter="{name}"] summary')
    page.check(f'[data-filter="{name}"] input[value="{value}"]')
    page.keyboard.press("Escape")

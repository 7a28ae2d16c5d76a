"""Pages of the site made from other files: a reference page for each room, the changelog, and how to contribute."""

from __future__ import annotations

import ast
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from hybridret.command import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
ENTRIES = (*COMMANDS, "command")


def rooms() -> list[str]:
    """The packages below hybridret, from the top floor down as the architecture page has them, then the entries."""
    found = sorted(path.parent.name for path in (ROOT / "hybridret").glob("*/__init__.py"))
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return sorted(found, key=lambda name: page.find(f"`{name}/`"))


def undocumented() -> list[str]:
    """Modules, and their public classes and functions, that have no docstring: FILE:LINE NAME."""
    found = []
    for path in sorted((ROOT / "hybridret").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        public = [one for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef) and one.name[0] != "_"]
        names = [(0, path.stem)] * (ast.get_docstring(tree) is None)
        names += [(one.lineno, one.name) for one in public if ast.get_docstring(one) is None]
        found += [f"{path.relative_to(ROOT)}:{line} {name}" for line, name in names]
    return found


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the reference pages into the menu. Raises PluginError where a public name has no docstring."""
    if missing := undocumented():
        raise PluginError(f"Public names without a docstring: {', '.join(missing)}. Write what each is or returns.")
    assert config.nav is not None
    config.nav.append({"Reference": [f"reference/{name}.md" for name in ("entries", *rooms())]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    pages = {f"reference/{room}.md": f"# `hybridret.{room}`\n\n::: hybridret.{room}\n" for room in rooms()}
    pages["reference/entries.md"] = "# Commands\n\n" + "\n".join(f"::: hybridret.{name}\n" for name in ENTRIES)
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        pages[name.lower()] = text.replace("](CONTRIBUTING.md", "](contributing.md")
    for path, content in pages.items():
        files.append(File.generated(config, path, content=content))
    return files

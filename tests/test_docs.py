"""Pages say what is there: commands and options, files, links, names of policies and metrics."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
import typer

from foveate.cli.app import app
from foveate.policies import POLICIES, ROUTERS
from foveate.policies.answering import ANSWER_POLICIES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").glob("*.md"))
CURRENT = [page for page in PAGES if page.name not in {"log.md", "results.md"}]
"""Pages that speak of the present; the others keep the commands of their day."""
PROGRAM = typer.main.get_command(app)

each_page = pytest.mark.parametrize("page", CURRENT, ids=lambda page: page.name)


def prose(page):
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def shell_lines(page):
    text = page.read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        if language in {"", "sh", "bash"}:
            yield from block.replace("\\\n", " ").splitlines()


def commands(page):
    """Words of every command line of foveate: whole ones in blocks, and what stands between backquotes."""
    quoted = (text for line in prose(page).splitlines() for text in line.split("`")[1::2])
    for line in (*shell_lines(page), *quoted):
        if line.strip().startswith("foveate "):
            yield shlex.split(line.strip(), comments=True)[1:]


def resolved(words):
    """The command that the first words name, and the words that it is given."""
    command = PROGRAM
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


@each_page
def test_commands_and_options_that_a_page_names_exist(page):
    for words in commands(page):
        command, rest = resolved(words)
        assert command is not PROGRAM or rest[0].startswith("-"), f"foveate {' '.join(words)}"
        known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}
        named = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert named <= known, f"foveate {' '.join(words)}: {named - known}"


def headings(page):
    """Anchors as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose(page))):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in headings(there), target


@each_page
def test_files_that_a_page_names_exist(page):
    named = re.findall(r"`((?:[\w-]+/)+[\w.-]+\.(?:py|json|md|service|Containerfile|csv|mp4))`", prose(page))
    homes = (ROOT, ROOT / "src", ROOT / "src" / "foveate", ROOT / "deploy")
    assert not [name for name in named if not any((home / name).exists() for home in homes)]


def test_the_readme_lists_every_room_and_every_policy():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (tree,) = re.findall(r"^src/foveate/\n((?:  .*\n)+)", text, flags=re.MULTILINE)
    rooms = {folder.name for folder in (ROOT / "src" / "foveate").iterdir() if (folder / "__init__.py").is_file()}
    assert {line.split()[0] for line in tree.splitlines()} == rooms
    assert not {*POLICIES, *ANSWER_POLICIES} - set(re.findall(r"`([\w-]+)[`:]", text))


@pytest.mark.parametrize(("command", "answering"), [("run", True), ("device", False)])
def test_help_names_every_policy_that_needs_a_profile(command, answering):
    (option,) = (one for one in PROGRAM.commands[command].params if one.name == "profile")
    needing = {name for name, kind in POLICIES.items() if kind.needs_profile}
    needing |= {name for name, kind in ANSWER_POLICIES.items() if answering and kind.schedules}
    assert needing <= set(re.findall(r"[\w-]+", option.help))


def as_written(default):
    """A default value, as the page writes it."""
    words = {None: "none", "": "empty"} | {truth: str(truth).lower() for truth in (True, False)}
    if isinstance(default, bool | str | None):
        return words.get(default, default)
    return f"{default:g}"


def test_every_parameter_of_every_policy_is_listed_with_its_default():
    text = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| `(\w+)` \| ([^|]+) \| [^|]+ \|$", text, flags=re.MULTILINE)
    listed = [(name, word, default) for names, word, default in rows for name in re.findall(r"`([\w-]+)`", names)]
    kinds = {**POLICIES, **ANSWER_POLICIES, **ROUTERS}
    taken = {(name, one.name, as_written(one.default)) for name, kind in kinds.items() for one in fields(kind)}
    assert set(listed) == taken
    assert len(listed) == len(taken)
    for name, kind in kinds.items():
        assert fields(kind) or f"`{name}`" in text

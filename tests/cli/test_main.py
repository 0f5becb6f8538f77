"""The command line itself: help, exit codes, errors for people and programs, and what it imports."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest

from labelvc import __version__
from labelvc.cli import context, lazy, main, output, reference
from labelvc.errors import ConfigurationError, DataError, RefusedError

HEAVY = ("jsonschema", "jsonschema_rs", "git", "dvc", "jinja2", "cryptography", "ruamel", "rich", "msgspec", "yaml")


def imported(*arguments: str, cwd: Path) -> set[str]:
    """Run the command line in a fresh interpreter and return the top-level modules it imported."""
    code = (
        "import sys, atexit, runpy\n"
        "atexit.register(lambda: print('\\n@' + ' '.join({name.split('.')[0] for name in sys.modules})))\n"
        "sys.argv[0] = 'labelvc'\n"
        "runpy.run_module('labelvc.cli', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    return set(done.stdout.rpartition("@")[2].split())


@pytest.fixture
def probe(monkeypatch) -> None:
    """Put a command `probe` in the table that raises or returns what it is told to."""
    outcomes = {
        "refused": RefusedError("no", where="here", hint="labelvc status"),
        "error": ConfigurationError("wrong", where="labelvc.yaml:3", hint="edit it"),
        "bare": DataError("wrong"),
        "bug": ZeroDivisionError("division by zero"),
        "quoting": KeyError("jo.public@firma.de of Jo Public"),
        "disk": OSError(28, "No space left on device", "/some/file"),
        "interrupt": KeyboardInterrupt(),
        "abort": click.Abort(),
        "pipe": BrokenPipeError(),
    }

    @click.command()
    @click.argument("way")
    @output.output_options("text", "json")
    @context.pass_settings
    def command(settings, way, form, output):
        if way in outcomes:
            raise outcomes[way]
        return int(way) if way.isdigit() else print(settings)

    monkeypatch.setattr(sys.modules[__name__], "probe_command", command, raising=False)
    monkeypatch.setitem(main.COMMANDS, "probe", (__name__, "probe_command", "A probe."))


def test_help_shows_every_command_under_its_heading(tmp_path, labelvc):
    code, out, _ = labelvc(tmp_path, "--help")
    assert code == 0
    for heading, names in main.HEADINGS.items():
        section = out.split(f"{heading}:\n")[1].split("\n\n")[0]
        assert re.findall(r"^  (\S+)", section, re.MULTILINE) == list(names)
    assert "plumbing" not in out
    assert max(map(len, out.splitlines())) <= 100


def test_the_tables_agree():
    shown = [name for names in main.HEADINGS.values() for name in names]
    assert len(shown) == len(set(shown))
    assert set(main.COMMANDS) - set(shown) == {"plumbing"}
    assert {meant.split()[0] for meant in main.MEANT.values()} <= set(main.COMMANDS)
    assert set(main.MEANT).isdisjoint(main.COMMANDS)


@pytest.mark.parametrize("name", sorted(main.COMMANDS))
def test_every_command_is_where_the_table_says_and_has_help(name, tmp_path, labelvc):
    code, out, _ = labelvc(tmp_path, name, "--help")
    assert code == 0
    assert out.startswith(f"Usage: labelvc {name}")
    assert not [line for line in out.splitlines() if line.endswith("...") and "Usage:" not in line], (
        "no sentence is cut"
    )


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), ("check", "--bogus"), ("plumbing", "merge-driver", "a", "b", "c", "7", "d")],
)
def test_the_way_in_imports_nothing_heavy(tmp_path, arguments):
    found = imported(*arguments, cwd=tmp_path)
    assert "labelvc" in found
    used = {"check": {"jsonschema_rs", "msgspec"}}.get(arguments[0], set())
    wanted = set(HEAVY) - used
    assert found & wanted == set()
    assert ("click" in found) == (arguments[0] != "plumbing")


@pytest.mark.parametrize("torn", [False, True])
def test_the_merge_driver_imports_what_it_needs(repo, torn):
    """git starts it once a file: what a record takes that was changed twice is loaded for that record alone."""
    line = '{{"item":"a","id":"{0}","rev":{1},"value":{{"score":{1}}}}}\n'
    versions = {"base": (1, 1), "ours": (2, 1), "theirs": (3, 1) if torn else (1, 2)}
    for name, scores in versions.items():
        (repo / name).write_text("".join([line.format(*row) for row in enumerate(scores)]))
    found = imported("plumbing", "merge-driver", *versions, "7", "datasets/x/annotations/00.jsonl", cwd=repo)
    assert ("<<<<<<<" in (repo / "ours").read_text()) == torn
    assert not found & {*HEAVY, "click", "sqlite3", "tempfile", "subprocess"}
    assert ("math" in found) == torn  # the canonical form, which only a record that is put together needs


def test_an_idle_hook_imports_nothing_heavy(repo, git, labelvc):
    assert labelvc(repo, "init", "--template", "rating")[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    assert labelvc(repo, "plumbing", "hook", "pre-commit")[0] == 0
    found = imported("plumbing", "hook", "pre-commit", cwd=repo)
    assert found & (set(HEAVY) - {"jsonschema_rs", "msgspec"}) == set()
    assert not found & {"tempfile", "secrets", "random", "bz2", "lzma"}, "5 ms of every commit for nothing"


def test_a_diff_of_commits_loads_nothing_of_what_writes_or_speaks_to_people(repo, git, labelvc):
    assert labelvc(repo, "init", "--template", "rating")[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    for more in ((), ("--staged",)):  # of the index it is asked whether a killed command has left it half done
        code = (
            "import sys\nfrom labelvc.cli import main\n"
            "code = main.run(sys.argv[1:])\nprint('@', *sys.modules)\nsys.exit(code)\n"
        )
        words = [sys.executable, "-c", code, "diff", *(more or ("HEAD..HEAD",)), "--format", "jsonl"]
        done = subprocess.run(words, cwd=repo, capture_output=True, text=True, check=True)
        found = {*done.stdout.rpartition("@")[2].split()}
        assert not found & {"subprocess", "signal", "labelvc.model.project", "labelvc.cli.render.text"}
        assert ("labelvc.store.journal" in found) == bool(more)


def test_no_command_pays_for_what_typing_has_anyway(tmp_path):
    found = imported("trace", "pets/p1#m1", cwd=tmp_path)
    assert "msgspec" in found
    assert not found & {
        "typing_extensions",
        "msgspec.inspect",
        "msgspec._json_schema",
        "textwrap",
        "unicodedata",
        "array",
    }
    assert not found & {"labelvc.store.differences", "labelvc.core.succession"}


def test_who_asks_msgspec_for_what_no_command_needs_gets_it():
    code = (
        "import sys\nfrom labelvc.cli import lazy, main\nmain.application.get_command(None, 'trace')\nimport msgspec\n"
        "assert 'msgspec' in sys.modules and 'msgspec.inspect' not in sys.modules\n"
        "print(msgspec.json.schema(int), msgspec.json.schema_components([int]), msgspec.inspect.type_info(int))\n"
        "import msgspec.inspect\nprint(msgspec.inspect.IntType() == msgspec.inspect.type_info(int))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    bare = subprocess.run(
        [sys.executable, "-c", code[code.index("print(") :].replace("print", "import msgspec\nprint", 1)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (bare.stdout, "")


def test_version(tmp_path, labelvc):
    assert labelvc(tmp_path, "--version") == (0, f"labelvc {__version__}\n", "")


def test_without_a_command_it_shows_its_help_and_fails(tmp_path, labelvc):
    code, out, err = labelvc(tmp_path)
    assert (code, out) == (2, "")
    assert "Usage: labelvc" in err


@pytest.mark.parametrize(
    ("typed", "meant"), [("chekc", "check"), ("validate", "check"), ("importt", "import"), ("why", "trace")]
)
def test_an_unknown_command_suggests_the_nearest(tmp_path, labelvc, typed, meant):
    code, out, err = labelvc(tmp_path, typed, "--whatever")
    assert (code, out) == (2, "")
    assert err == f"error: there is no command `{typed}`; did you mean `{meant}`?\n  next: labelvc --help\n"


@pytest.mark.parametrize(
    ("option", "meant"),
    [("--al", "; did you mean --all?"), ("--stagd", "; did you mean --staged?"), ("--to", ""), ("--xyzzy", "")],
)
def test_an_unknown_option_suggests_one_that_has_more_in_common_than_dashes(tmp_path, labelvc, option, meant):
    code, out, err = labelvc(tmp_path, "check", option)
    assert (code, out) == (2, "")
    assert err == f"error: no such option '{option}'{meant}\n  next: labelvc check --help\n"


def test_an_unknown_command_that_is_near_nothing_says_so(tmp_path, labelvc):
    assert labelvc(tmp_path, "xyzzy")[2] == "error: there is no command `xyzzy`\n  next: labelvc --help\n"


@pytest.mark.parametrize(
    ("way", "code", "said"),
    [
        ("0", 0, ""),
        ("1", 1, ""),
        ("refused", 1, "error: no\n  where: here\n  next: labelvc status\n"),
        ("error", 2, "error: wrong\n  where: labelvc.yaml:3\n  next: edit it\n"),
        ("bare", 2, "error: wrong\n"),
        ("disk", 2, "error: the system says: No space left on device\n  where: /some/file\n  next: labelvc doctor\n"),
        ("interrupt", 130, None),
        ("abort", 130, "interrupted\n"),
    ],
)
@pytest.mark.usefixtures("probe")
def test_exit_codes_and_three_lines(tmp_path, labelvc, way, code, said):
    found, out, err = labelvc(tmp_path, "probe", way)
    assert (found, out) == (code, "")
    assert said is None or err == said


@pytest.mark.usefixtures("probe")
def test_a_bug_is_3_with_traceback_and_where_to_report(tmp_path, labelvc):
    code, out, err = labelvc(tmp_path, "probe", "bug")
    assert (code, out) == (3, "")
    assert "Traceback" in err
    assert (
        "\nZeroDivisionError: (its words are left out, for they may quote data)\nerror: ZeroDivisionError in labelvc itself\n"
        in err
    )
    assert "please report it" in err


@pytest.mark.usefixtures("probe")
def test_privacy_16_what_a_bug_quotes_is_not_printed(tmp_path, labelvc):
    """A library's error quotes the value that it cannot take, and people send us the lines."""
    code, out, err = labelvc(tmp_path, "probe", "quoting", "--format", "json")
    assert code == 3
    assert ("KeyError" in err, "firma" in out + err, "Jo" in out + err) == (True, False, False)
    assert json.loads(out)["error"]["message"].startswith("KeyError in labelvc itself")


@pytest.mark.parametrize(
    ("way", "kind"), [("error", "configuration"), ("refused", "refused"), ("bug", "bug"), ("disk", "store")]
)
@pytest.mark.parametrize("option", [("--format", "json"), ("--format=json",)])
@pytest.mark.usefixtures("probe")
def test_who_asked_for_json_gets_the_error_as_json(tmp_path, labelvc, way, kind, option):
    _, out, err = labelvc(tmp_path, "probe", way, *option)
    assert set(json.loads(out)) == {"error"}
    assert set(json.loads(out)["error"]) == {"kind", "message", "hint"}
    assert json.loads(out)["error"]["kind"] == kind
    assert "error: " in err


def test_a_usage_error_is_json_too(tmp_path, labelvc):
    code, out, _ = labelvc(tmp_path, "status", "--format", "json", "--bogus")
    assert code == 2
    assert json.loads(out)["error"]["kind"] == "usage"
    assert json.loads(out)["error"]["hint"] == "labelvc status --help"


def test_nobody_reads_the_output(tmp_path):
    code = (
        "import sys, click\nfrom labelvc.cli import main\n"
        "probe = click.command()(lambda: [print('x' * 100) for _ in range(10000)] and None)\n"
        "sys.modules['probe'] = type(sys)('probe'); sys.modules['probe'].probe = probe\n"
        "main.COMMANDS['probe'] = ('probe', 'probe', '')\nsys.argv = ['labelvc', 'probe']\nsys.exit(main.main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_an_interrupt_ends_with_130(tmp_path):
    code = (
        "import os, signal, sys, click\nfrom labelvc.cli import main\n"
        "probe = click.command()(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "sys.modules['probe'] = type(sys)('probe'); sys.modules['probe'].probe = probe\n"
        "main.COMMANDS['probe'] = ('probe', 'probe', '')\nsys.argv = ['labelvc', 'probe']\nsys.exit(main.main())\n"
    )
    restored = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False, preexec_fn=restored
    )
    assert done.returncode == 130
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.usefixtures("probe")
def test_global_options_stand_before_or_after_the_command(tmp_path, labelvc, before):
    (tmp_path / "folder").mkdir()
    options = ("-C", str(tmp_path / "folder"), "-q", "-vv", "--jobs", "3", "--color", "always")
    arguments = (*options, "probe", "show") if before else ("probe", "show", *options)
    _, out, _ = labelvc(tmp_path, *arguments)
    assert out == f"{context.Settings(tmp_path / 'folder', quiet=True, verbose=2, jobs=3, color=True)}\n"


@pytest.mark.usefixtures("probe")
def test_the_environment_sets_what_no_option_does(tmp_path, labelvc, monkeypatch):
    monkeypatch.setenv("LABELVC_JOBS", "5")
    assert "jobs=5" in labelvc(tmp_path, "probe", "show")[1]
    assert "jobs=2" in labelvc(tmp_path, "--jobs", "2", "probe", "show")[1]
    assert "jobs=1," in labelvc(tmp_path, "--jobs", "1", "probe", "show")[1]
    assert "jobs=1," in labelvc(tmp_path, "probe", "show", "--jobs", "1")[1]


@pytest.mark.parametrize(
    ("environment", "option", "color"),
    [
        ({}, "auto", False),
        ({"FORCE_COLOR": "1"}, "auto", True),
        ({"CLICOLOR_FORCE": "1"}, "auto", True),
        ({"FORCE_COLOR": "0"}, "auto", False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "auto", False),
        ({"NO_COLOR": "1"}, "always", True),
        ({"FORCE_COLOR": "1"}, "never", False),
    ],
)
@pytest.mark.usefixtures("probe")
def test_colour(tmp_path, labelvc, monkeypatch, environment, option, color):
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert f"color={color}" in labelvc(tmp_path, "--color", option, "probe", "show")[1]


def test_the_time_is_fixed_by_source_date_epoch(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1772355600")
    assert context.now().isoformat() == "2026-03-01T09:00:00+00:00"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ConfigurationError, match="SOURCE_DATE_EPOCH"):
        context.now()


def test_progress_is_silent_without_a_terminal(tmp_path, capsys):
    with output.progress(context.Settings(tmp_path), 3, "reading") as advance:
        advance()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("total", "shown"), [(3, "2/3"), (None, "2")])
def test_progress_on_a_terminal_appears_on_stderr_when_it_takes_long(tmp_path, total, shown):
    code = (
        "import sys, pathlib\n"
        "from labelvc.cli import bar, context, output\n"
        "bar.PATIENCE = float(sys.argv[1])\n"
        "settings = context.Settings(pathlib.Path(), progress=True)\n"
        f"with output.progress(settings, {total}, 'reading words') as advance:\n"
        "    advance(2)\n"
    )
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "100"}

    def said(patience: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", code, patience],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout, done.stderr

    assert said("60") == ("", "")
    out, err = said("0")
    assert out == ""
    assert "reading words" in err
    assert shown in err


def test_progress_tells_rate_and_time_left_as_soon_as_the_total_is_known(tmp_path):
    code = (
        "import pathlib, time\n"
        "from labelvc.cli import bar, context, output\n"
        "bar.PATIENCE = 0\n"
        "settings = context.Settings(pathlib.Path(), progress=True)\n"
        "with output.progress(settings, None, 'looking at shards', 'shards') as advance:\n"
        "    advance(0)\n"
        "    advance(5, total=40)\n"
        "    for _ in range(20):\n"
        "        time.sleep(0.02)\n"
        "        advance()\n"
    )
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert "25/40" in done.stderr
    assert re.search(r"\d+ shards/s", done.stderr)
    assert re.search(r"\b00:0\d", done.stderr)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_change_no_answer(closed, repo, git, labelvc):
    """Daemons and some runners start programs so; what git says must not end up where a stream would be."""
    assert labelvc(repo, "init")[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "one")
    words = f"{shlex.quote(sys.executable)} -m labelvc.cli"
    for command, code in (("check --all", 0), ("diff HEAD --exit-code", 0), ("check no-such-revision", 2)):
        done = subprocess.run(
            ["sh", "-c", f"{words} {command} {closed}"], cwd=repo, capture_output=True, text=True, check=False
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert git(repo, "status", "--porcelain") == ""


def test_write_to_a_file_is_whole(tmp_path):
    output.write("päth\n", tmp_path / "new" / "file")
    assert (tmp_path / "new" / "file").read_text() == "päth\n"


def test_completion_scripts_and_names(tmp_path, labelvc):
    for shell in ("bash", "zsh", "fish"):
        code, out, _ = labelvc(tmp_path, "completion", shell)
        assert code == 0
        assert "_LABELVC_COMPLETE" in out
    assert labelvc(tmp_path, "completion", "tcsh")[0] == 2


def test_bash_completes_commands_and_options(tmp_path):
    environment = {**os.environ, "_LABELVC_COMPLETE": "bash_complete"}

    def completed(words: str, position: str) -> list[str]:
        told = environment | {"COMP_WORDS": words, "COMP_CWORD": position}
        done = subprocess.run(
            [sys.executable, "-m", "labelvc.cli"], env=told, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert completed("labelvc ch", "1") == ["check"]
    assert completed("labelvc install --un", "2") == ["--uninstall"]
    assert set(completed("labelvc ", "1")) >= set(main.COMMANDS) - {"plumbing"}


def test_the_reference_covers_every_command_and_option(tmp_path):
    pages = {page.path: page for page in reference.pages()}
    assert {f"labelvc {name}" for names in main.HEADINGS.values() for name in names} <= set(pages)
    assert "labelvc plumbing" not in pages
    for path, page in pages.items():
        assert page.line, path
        assert all(line for _, line in page.options), path
    files = reference.markdown()
    assert {"README.md", "check.md", "init.md"} <= set(files)
    assert "`--template" in files["init.md"]
    manual = reference.manual("2026-03-01")
    assert {"labelvc.1", "git-labelvc.1", "labelvc-check.1"} <= set(manual)


def test_manual_pages_are_good_roff(tmp_path):
    roff = subprocess.run(["groff", "--version"], capture_output=True, check=False) if _has("groff") else None
    if roff is None:
        pytest.skip("groff is not installed")
    for name, text in reference.manual("2026-03-01").items():
        if not text.startswith(".so"):
            done = subprocess.run(
                ["groff", "-man", "-ww", "-Tutf8", "-z"], input=text, capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stderr) == (0, ""), name


def test_a_lazy_group_lists_without_importing():
    group = lazy.LazyGroup("group", table={"one": ("nowhere.at.all", "one", "The first.")})
    with click.Context(group) as around:
        assert group.list_commands(around) == ["one"]
        assert [item.value for item in group.shell_complete(around, "o")] == ["one"]
        assert "The first." in group.get_help(around)


def _has(program: str) -> bool:
    return any((Path(folder) / program).exists() for folder in os.environ["PATH"].split(os.pathsep))


def test_a_full_disk_behind_stdout_is_an_error(tmp_path):
    """The process ends without the interpreter's own farewell, so what could not be written must be told before."""
    with Path("/dev/full").open("w") as full:
        for words in (["--version"], ["--help"]):
            code = [sys.executable, "-m", "labelvc.cli", *words]
            done = subprocess.run(code, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            assert done.returncode == 2
            assert "No space left on device" in done.stderr
            assert "next: " in done.stderr
            assert "Traceback" not in done.stderr


def test_a_thread_that_still_works_is_waited_for(tmp_path):
    code = (
        "import sys, threading, time, click\nfrom labelvc.cli import __main__, main\n"
        "late = lambda: (time.sleep(0.3), print('late', flush=True))\n"
        "probe = click.command()(lambda: threading.Thread(target=late).start())\n"
        "sys.modules['probe'] = type(sys)('probe'); sys.modules['probe'].probe = probe\n"
        "main.COMMANDS['probe'] = ('probe', 'probe', '')\nsys.argv = ['labelvc', 'probe']\n__main__.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "late\n"), done.stderr


@pytest.mark.parametrize("words", [("policy", "show"), ("verify", "--all", "--format", "json")])
def test_output_to_a_device_a_pipe_or_a_link_never_replaces_it(repo: Path, labelvc, git, tmp_path: Path, words):
    """Renamed over /dev/null by root, a file took the device's place, and every program read it as its input."""
    assert labelvc(repo, "init", "--template", "rating", "--key", str(key(tmp_path)))[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "Begin")
    expected = labelvc(repo, *words)[1]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    with ThreadPoolExecutor() as pool:
        read = pool.submit((tmp_path / "pipe").read_text)
        assert labelvc(repo, *words, "-o", str(tmp_path / "pipe"))[0] in (0, 1)
        assert read.result(30) == expected
    assert labelvc(repo, *words, "-o", str(tmp_path / "link"))[0] in (0, 1)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == expected
    before = os.stat(os.devnull)
    assert labelvc(repo, *words, "-o", os.devnull)[0] in (0, 1)
    assert os.stat(os.devnull).st_rdev == before.st_rdev
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def key(folder: Path) -> Path:
    path = folder / "key"
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@pytest.mark.parametrize(
    ("command", "given", "needed"),
    [
        ("approve", "", "A...B --role ROLE"),
        ("audit sample", "--seed x", "--n N --seed TEXT"),
        ("import", "csv", "FORMAT SRC --dataset NAME"),
    ],
)
def test_who_leaves_out_a_word_is_told_all_that_are_needed(command, given, needed, labelvc, tmp_path):
    code, _, err = labelvc(tmp_path, *command.split(), *given.split())
    assert code == 2
    assert f"  next: labelvc {command} {needed}; see labelvc {command} --help\n" in err

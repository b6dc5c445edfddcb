"""Which programs a script calls: told only where that is certain."""

from __future__ import annotations

import pytest

from runbooks.lint.shell import calls, missing, syntax_fault


@pytest.mark.parametrize(
    ("script", "programs"),
    [
        ("kubectl rollout restart deploy/x", ["kubectl"]),
        ("a | b && c || d; e &", ["a", "b", "c", "d", "e"]),
        ("A=1 B=2 a b", ["a"]),
        ("if a; then b; else c; fi\nwhile d; do e; done\ncase $x in y) f;; esac", ["a", "b", "c", "d", "e", "f"]),
        ("( a ); { b; }; ! c", ["a", "b", "c"]),
        ("x=$(a b)\ny=`c`", ["a", "c"]),
        ('echo "$(a "$(b)")"', ["a", "b", "echo"]),
        ("f() { a; }\nf", ["a"]),
        ("cat <<EOF\nrm $(a)\nEOF", ["a", "cat"]),
        ("cat <<'EOF'\nrm $(a)\nEOF", ["cat"]),
        ("a > b 2>&1 < c", ["a"]),
        ("for i in a b; do c $i; done", ["c"]),
        ("sudo a; exec b; command d", ["a", "b", "command", "d", "exec", "sudo"]),
        ("env X=1 a; timeout 5 b; xargs c", ["a", "b", "c", "env", "timeout", "xargs"]),
        ("sudo -u x a", ["sudo"]),
        ("ssh host reboot", ["ssh"]),
        ("$CMD a\n\"$BIN\" b\n${X}/c d\n$(e) f", ["e"]),
        ("a* b\n~/bin/c\n./d\n../e", []),
        ("command -v a >/dev/null && a\nwhich b || exit 1\nb", ["command", "exit", "which"]),
        ("[ -x /usr/bin/a ] && test b", ["test"]),
        ("PATH=$PATH:/opt/bin\na", []),
        ("PATH=/opt/bin a", []),
        ("export PATH=/opt/bin\na", []),
        (". ./env\na", []),
        ("eval a\nb", []),
        ("# a\nb # c", ["b"]),
        ("a \\\n  b \\\n  c", ["a"]),
        ("a() (b)\n", ["b"]),
        ("", []),
    ],
)  # fmt: skip
def test_programs_are_told_where_it_is_certain(script: str, programs: list[str]) -> None:
    assert sorted({call.name for call in calls(script)}) == sorted(programs)


def test_a_call_has_its_line() -> None:
    assert [(call.name, call.offset) for call in calls("a\n\nb |\n  c")] == [("a", 0), ("b", 2), ("c", 3)]


def test_builtins_and_programs_are_there_and_others_are_not() -> None:
    names = ["cd", "echo", "ls", "/bin/sh", "relative/path", "no-such-program", "/no/such", "test", "["]
    assert missing(names) == {"no-such-program", "/no/such"}


def test_a_name_is_data_for_the_shell_that_is_asked(tmp_path) -> None:
    assert missing([f"$(touch {tmp_path / 'ran'})", "-v"]) == set()
    assert list(tmp_path.iterdir()) == []


def test_the_shell_reads_a_script_and_runs_nothing(tmp_path) -> None:
    assert syntax_fault(f"touch {tmp_path / 'ran'}\n: > {tmp_path / 'ran'}") is None
    assert list(tmp_path.iterdir()) == []
    offset, words = syntax_fault("true\nfi\n") or (None, "")
    assert (offset, "fi" in words) == (1, True)

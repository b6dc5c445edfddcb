from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from flashcrowd.documents import Model, document, documents, read
from flashcrowd.errors import DocumentError, ExitCode
from flashcrowd.units import Duration


class Part(Model):
    name: str
    hold: Annotated[Duration, Field(alias="for")] = 0.0


class Whole(Model):
    kind: Literal["Whole"]
    colour: Literal["red", "green"] = "red"
    parts: list[Part] = []


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "whole.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def faults(file: Path) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        read(file, Whole, kind="Whole")
    assert caught.value.exit_code is ExitCode.INPUT
    return [str(problem).removeprefix(f"{file.parent}/") for problem in caught.value.problems]


def test_a_right_file_is_a_model(tmp_path):
    file = written(tmp_path, "kind: Whole\nparts:\n  - {name: a, for: 90s}\n")
    assert read(file, Whole, kind="Whole").parts[0].hold == 90


def test_all_faults_are_told_at_once_with_their_lines(tmp_path):
    file = written(tmp_path, "kind: Whole\ncolor: red\nparts:\n  - name: a\n    for: 60\n  - for: 5s\n    nmae: b\n")
    assert faults(file) == [
        "whole.yaml:2: color: unknown field; did you mean 'colour'?",
        "whole.yaml:5: parts[0].for: '60' has no unit; write 60s, 5m or 1h",
        "whole.yaml:6: parts[1].name: is missing",
        "whole.yaml:7: parts[1].nmae: unknown field; did you mean 'name'?",
    ]


def test_rules_speak_even_when_the_model_is_wrong_elsewhere(tmp_path):
    file = written(tmp_path, "kind: Whole\nparts:\n  - {name: forbidden}\ncolour: blue\n")
    source = document(file, "Whole")
    with pytest.raises(DocumentError) as caught:
        source.parse(Whole, lambda doc: [doc.problem(("parts", 0, "name"), "may not be 'forbidden'")])
    assert [problem.line for problem in caught.value.problems] == [3, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a: [1", "is not YAML"),
        ("a: 1\na: 2\n", "is not YAML"),
        ("- 1\n", "wants a mapping at the top"),
        ("kind: Half\n", "wants kind: Whole, got 'Half'"),
        ("kind: Whole\n---\nkind: Whole\n", "holds 2 documents, wants one"),
    ],
)
def test_what_is_no_such_document_is_refused_in_one_sentence(tmp_path, text, message):
    (fault,) = faults(written(tmp_path, text))
    assert message in fault


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DocumentError, match=r"nowhere\.yaml: can't be read: no such file"):
        documents(tmp_path / "nowhere.yaml")


def test_a_second_document_keeps_its_own_lines(tmp_path):
    first, second = documents(written(tmp_path, "a: 1\n---\nb:\n  c: 2\n"))
    assert (first.line(("a",)), second.line(("b", "c"))) == (1, 4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_documents_or_a_document_error(tmp_path, text):
    try:
        assert documents(written(tmp_path, text))
    except DocumentError as error:
        assert error.problems
    except UnicodeEncodeError:
        pass  # a lone surrogate is no file

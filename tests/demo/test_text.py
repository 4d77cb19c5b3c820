"""Reading and cutting text."""

import pytest
from gatework.demo.text import (
    CorpusError,
    prose_paragraphs,
    read_documents,
    sentences,
    to_text,
    tokenize,
)


def test_pydoc_topics_are_there():
    documents = read_documents()
    assert len(documents) > 50
    assert sum(len(d.text) for d in documents) > 300_000
    assert [d.name for d in documents] == sorted(d.name for d in documents)


def test_folder_is_read_in_order_and_other_files_are_left(tmp_path):
    (tmp_path / "b.txt").write_text("second")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.md").write_text("third")
    (tmp_path / "a.TXT").write_text("first")
    (tmp_path / "x.py").write_text("code")
    assert [d.text for d in read_documents(tmp_path)] == ["first", "second", "third"]


def test_file_in_another_encoding_is_still_read(tmp_path):
    path = tmp_path / "old.txt"
    path.write_bytes("caf\xe9 and tea".encode("latin-1"))
    assert read_documents(path)[0].text == "caf\N{REPLACEMENT CHARACTER} and tea"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.txt", None, "no such file or folder: "),
        ("binary.txt", b"ab\0cd", "is not a text file"),
        ("folder", "folder", "no .txt, .md, .rst, .text file in the folder "),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(tmp_path, name, content, message):
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(CorpusError, match=message) as caught:
        read_documents(path)
    assert "\n" not in str(caught.value)


def test_only_prose_stays():
    text = """A Heading
=========

This is a paragraph of *plain* English
prose, with a "quoted" word.

   stmt ::= "if" expression ":" suite and some more words here.

   >>> print("this is a program, not prose, although it ends well.")

+------+--------+
| this | table. |

Too short.
"""
    assert prose_paragraphs(text) == [
        "This is a paragraph of plain English prose, with a quoted word."
    ]


def test_tokens():
    assert tokenize('The "x.y" value, e.g. 3.5 isn\'t __init__() (or well-known).') == [
        *("the", "x.y", "value", ",", "e.g", ".", "3.5", "isn't", "__init__", "(", ")"),
        *("(", "or", "well-known", ")", "."),
    ]  # fmt: skip


def test_sentences_end_where_a_capital_follows():
    assert sentences("It is so. See e.g. this one (or not.) Then stop!") == [
        ["it", "is", "so", "."],
        ["see", "e.g", ".", "this", "one", "(", "or", "not", ".", ")"],
        ["then", "stop", "!"],
    ]


def test_to_text_sets_punctuation_as_one_types_it():
    assert to_text(["call", "f", "(", "x", ")", ",", "then", "stop", "."]) == (
        "call f (x), then stop."
    )

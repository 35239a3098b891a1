"""A client properties file's two grammars: java.util.Properties, and the login module within it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkaops.cluster.properties import grammar, jaas
from kafkaops.cluster.properties.refused import RefusedError

SECRET = "SeNtInEl-s3cr3t"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1", [("a", "1", 1)]),
        ("a:1\nb 2\nc\t=\t3\nd = : 4", [("a", "1", 1), ("b", "2", 2), ("c", "3", 3), ("d", ": 4", 4)]),
        ("# no\n! no\n\n  \t\na=1", [("a", "1", 5)]),
        ("a", [("a", "", 1)]),
        ("a=1 ", [("a", "1 ", 1)]),  # Java keeps what trails: it may belong to a password
        ("a=x\\\n   y\\\r\n\tz\nb=1", [("a", "xyz", 1), ("b", "1", 4)]),
        ("a=x\\\\\nb=1", [("a", "x\\", 1), ("b", "1", 2)]),  # an even number of backslashes does not join
        ("# no \\\na=1", [("a", "1", 2)]),  # a comment does not continue
        ("a=x\\\n# y", [("a", "x# y", 1)]),  # and does not begin within a value
        ("a\\=b\\ c=d", [("a=b c", "d", 1)]),
        (r"a=\t\n\r\f\q\"", [("a", '\t\n\r\fq"', 1)]),
        (r"a=\u00e9\uD83D\uDE00", [("a", "é\N{GRINNING FACE}", 1)]),
        ("a=1\rb=2\r\nc=3", [("a", "1", 1), ("b", "2", 2), ("c", "3", 3)]),
        ("a=1\na=2", [("a", "1", 1), ("a", "2", 2)]),
        ("a=x\\", [("a", "x", 1)]),
    ],
)
def test_lines_are_read_as_java_reads_them(text: str, expected: list[tuple[str, str, int]]) -> None:
    assert [(each.key, each.value, each.line) for each in grammar.parse(text)] == expected


@pytest.mark.parametrize("text", ["a=1\nb=\\u12", "a=1\nb=\\ud800", "a=1\nb=\\u0000"])
def test_a_broken_escape_names_its_line(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        list(grammar.parse(text))

    assert caught.value.line == 2


def escaped(text: str) -> str:
    return "".join(f"\\u{unit:04x}" for unit in memoryview(text.encode("utf-16-le")).cast("H"))


words = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1)


@settings(deadline=None)
@given(st.lists(st.tuples(words, words)))
def test_what_java_would_store_is_read_back(pairs: list[tuple[str, str]]) -> None:
    text = "".join(f"{escaped(key)}={escaped(value)}\n" for key, value in pairs)

    assert [(each.key, each.value) for each in grammar.parse(text)] == pairs


@settings(deadline=None)
@given(st.text())
def test_no_text_breaks_the_grammar(text: str) -> None:
    try:
        entries = list(grammar.parse(text))
    except RefusedError:
        return

    lines = [each.line for each in entries]
    assert lines == sorted(set(lines))


# Login modules


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("M required;", {}),
        ('M required username="a" password="b";', {"username": "a", "password": "b"}),
        ("M Required username='a' password=b-c_d$1;", {"username": "a", "password": "b-c_d$1"}),
        ('M required\n  password = "a;b=c\\"d\\\\e" ;', {"password": 'a;b=c"d\\e'}),
        (r'M required password="\101\t\q";', {"password": "A\tq"}),
        ("M required password=${PASSWORD};", {"password": "${PASSWORD}"}),
        ('M required password="";', {"password": ""}),
    ],
)
def test_a_login_module_is_read_with_its_options(text: str, options: dict[str, str]) -> None:
    assert jaas.parse(text) == jaas.Login("M", options)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the login module must end with `;`"),
        ('M required password="a"', "the login module must end with `;`"),
        ('M required password=";"', "the login module must end with `;`"),
        ('M password="a";', 'expected `MODULE required name="value" ...;`'),
        ('M required password="a;', "a quote is not closed"),
        ("M required password;", 'the options of the login module must be `name="value"`'),
        ('M required a="1" a="2";', "an option of the login module is given twice"),
        ("M required; N required;", 'the options of the login module must be `name="value"`'),
    ],
)
def test_a_broken_login_module_says_what_is_wrong(text: str, sentence: str) -> None:
    with pytest.raises(RefusedError, match=f"^{re.escape(sentence)}$"):
        jaas.parse(text)


@settings(deadline=None)
@given(words)
def test_any_password_survives_quoting(password: str) -> None:
    single_line = password.replace("\n", "n")
    quoted = single_line.replace("\\", "\\\\").replace('"', '\\"')

    assert jaas.parse(f'M required password="{quoted}";').options == {"password": single_line}

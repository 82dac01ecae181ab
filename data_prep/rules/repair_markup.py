"""Repairs of what machines wrote around the words: entities, tags, line-break tokens, footnotes.

Each repair is ``str -> str``, needs no other to have run before it, and takes time in proportion to the text.
"""

from __future__ import annotations

import html
import re
from html.entities import html5

# Names need their semicolon: "AT&T", "R&D" and "?a=1&copy=2" hold no entities.
_ENTITY = re.compile(
    "&(?:amp;)*(#[0-9]{1,7};|#x[0-9a-f]{1,6};|[a-z][a-z0-9]{1,31};)",
    re.IGNORECASE,
)
_BREAKING = "blockquote|br|center|div|dd|dl|dt|h[1-6]|hr|li|ol|p|pre|table|tbody|td|th|tr|ul"
_INLINE = (
    "a|abbr|b|big|body|cite|code|del|em|font|head|html|i|img|ins|kbd|mark|q|s|small|span|strike|strong|sub|sup|tt|u"
)
# Two capitals are a mask or an initial (<CA>, <TD>) rather than a tag, unless a slash or attributes say otherwise.
_TAG = re.compile(
    "<(?!(?-i:(?!BR)[A-Z]{2})>)(/?)"
    f"(?:({_BREAKING})|({_INLINE}))"
    r"(\s[^<>=]{0,40}=[^<>]{0,500})?\s{0,4}/?>",
    re.IGNORECASE,
)
# Tags that are also words or names: somebody may mean them, as in <strike> for a gesture.
_WORDLIKE = frozenset(
    [
        "big",
        "body",
        "center",
        "cite",
        "code",
        "head",
        "mark",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "table",
    ]
)
_NEWLINE_TOKEN = re.compile(r"(?<![^\W_])(?:newlinechar)+(?![^\W_])")
_FOOTNOTE = re.compile(r"(?<=[.?!,;:…])([\"')]?)(?:\[[0-9]{1,3}\])+(?!\w|[\[(=]|\.\w)")


def unescape_entities(text: str) -> str:
    """Read HTML entities, also those escaped twice or more: ``&amp;quot;`` was a quotation mark.

    Left alone: an ampersand that begins no entity, names nobody defined, and names without their semicolon.

    >>> unescape_entities("&quot;Tom &amp;amp; I&#39;ll wait&quot;")
    '"Tom & I\\'ll wait"'
    >>> unescape_entities("AT&T, R&D; &nosuchname; ?a=1&copy=2")
    'AT&T, R&D; &nosuchname; ?a=1&copy=2'
    """
    return _ENTITY.sub(_read_entity, text) if "&" in text else text


def strip_tags(text: str) -> str:
    """Take out real HTML tags; those that break a line leave a space.

    Left alone: words in angle brackets (``<belch>``, ``<Media omitted>``), masks of capitals (``<CA>``), hearts
    (``<3``), comparisons, and tags that are also words where no closing tag follows them up (``<code>``).

    >>> strip_tags('He <u>is</u> <a href="x.html">here</a>.<br/>Look!')
    'He is here. Look!'
    >>> strip_tags("<belch> <CA> <3 <Media omitted> a<b")
    '<belch> <CA> <3 <Media omitted> a<b'
    """
    if "<" not in text or ">" not in text:
        return text
    closed = {(breaking or inline).lower() for slash, breaking, inline, _ in _TAG.findall(text) if slash}

    def replace(match: re.Match[str]) -> str:
        slash, breaking, inline, attributes = match.groups()
        name = (breaking or inline).lower()
        if name in _WORDLIKE and not slash and not attributes and name not in closed:
            return match[0]
        return " " if breaking else ""

    return _TAG.sub(replace, text)


def drop_newline_tokens(text: str) -> str:
    """Put a space for the word ``newlinechar``, with which some Reddit corpora write a line break.

    Left alone: the letters inside another word.

    >>> drop_newline_tokens("first newlinechar newlinechar second").split()
    ['first', 'second']
    >>> drop_newline_tokens("call isnewlinechar() on it")
    'call isnewlinechar() on it'
    """
    return _NEWLINE_TOKEN.sub(" ", text) if "newlinechar" in text else text


def drop_footnotes(text: str) -> str:
    """Drop the number of a footnote behind the mark that ends a phrase: nobody says it.

    Left alone: an index behind a word (``array[7]``, ``qmgr[26]:``), for in a chat that is code more often
    than scholarship, and everything in brackets that is not a number of up to three digits.

    >>> drop_footnotes('Ready, Mr. Bones?[7] "Yes."[8][9]')
    'Ready, Mr. Bones? "Yes."'
    >>> drop_footnotes("array[7] is [deleted] [5]")
    'array[7] is [deleted] [5]'
    """
    return _FOOTNOTE.sub(r"\1", text) if "[" in text else text


def _read_entity(match: re.Match[str]) -> str:
    name = match[1]
    if name[0] == "#":
        return html.unescape("&" + name)
    # &QUOT; and &Nbsp; are written too, though no standard has them.
    return html5.get(name) or html5.get(name.lower()) or "&" + name

"""Repairs of how words and marks stand together: quotes, apostrophes, spaces at marks, runs, dashes.

Each repair is ``str -> str`` and takes time in proportion to the text. They expect single spaces and straight
quotes, as the repairs before them in the list leave them; on other text they do less, never harm.
"""

from __future__ import annotations

import re

_LETTER = r"[^\W\d_]"

_STRAIGHT = str.maketrans(dict.fromkeys("‘’‚‛", "'") | dict.fromkeys("“”„‟", '"'))
_CURLY = re.compile("[‘’‚‛“”„‟]")
_TICK = re.compile(rf"(?<={_LETTER})[`´](?={_LETTER})|(?<!\d)(?<!\d )′")
_TREEBANK = re.compile(r"(?<!`)``(?!`)|(?<!')''(?!')")
_LEADING_TICK = re.compile(r"(?<!\S)`(?=(?:cause|til|tis|twas|em|bout|nother|ere)\b)", re.IGNORECASE)

# Not the letter in quotes ("an 's' or 't'"), nor the beginning of something longer ('s/a/b/', 'M.T.V.').
_ENDING = r"(?=(?:s|t|re|ll|ve|d|m)\b(?! ?'|[-/.]\w))"
_ENDING_APART = re.compile(rf" '(?<=\w ') ?{_ENDING}", re.IGNORECASE)
_ENDING_BEHIND = re.compile(rf"' (?<=\w' ){_ENDING}", re.IGNORECASE)
_CUT_NOT = re.compile(
    r"\b(do|does|did|is|are|was|were|has|have|had|would|could|should|must|might|need|ca|wo|ai|sha)"
    r"(?: n ' t| n't| n 't)\b",
    re.IGNORECASE,
)
_WHOLE_WORD = re.compile(r"\b(o|ma|y|c|d)(?: ' ?|' )(?=(?:clock|am|all|mon|you)\b)", re.IGNORECASE)
_IRISH = re.compile(r"\b(O) ' (?=[A-Z][a-z])")
_VOWEL = "[aeiouyhàâæéèêëîïôœùûü]"
_ELISION = re.compile(
    rf"(?<![\w'-])(?:([cdjlmnst]|\w{{0,6}}qu) ' ?|([djl]|\w{{0,6}}qu)' )(?={_VOWEL}\w)", re.IGNORECASE
)
_CLIPPED = re.compile(r"(?<!\S)' (?=(?:em|cause|til|tis|twas|bout)\b(?! '))", re.IGNORECASE)

_SPACED_DOTS = re.compile(r"\.(?: \.){2,}")
_SPACED_MARK = re.compile(
    # Before a space, an end or something closing; " :)" is a face, " .net" a name, "cd .." a folder.
    r""" (?!(?<=\b(?:cd|ls) )\.\.)(?=[,.?!]+(?:[\s"')\]]|$)|[;:]+(?:\s|$)|[。、，！？；：؟،؛।॥])"""
)
_PAREN = re.compile(r"(?<![:;=8\-^'$\[(])\( ?([^()]*[^()\s:;=\-]) ?\)")
_CURRENCY = re.compile(r"([$£€¥])(?<![\w$£€¥].) (?=\d)")
_PERCENT = re.compile(r"(?<=\d) %(?=[\s.,?!;:)]|$)(?! \d)")
_COMMA_ASTRAY = re.compile(rf" ,(?={_LETTER})")
_CLOCK = re.compile(r"(?<!\d)(\d\d?) : (?=\d\d(?!\d))")
_THOUSAND = re.compile(r"(?<=\d) , ?(?=000(?!\d))")
_SPACED_QUOTE = re.compile(r"""(?<![^\s(])" ([^"]*[^"\s]) "(?![^\s.,?!;:)'\-])""")

_GLUE = re.compile(rf"[.?!](?<={_LETTER}{_LETTER}.)(?={_LETTER})")
_NAME_END = re.compile(
    r"(?:com|net|org|edu|gov|info|io|uk|fr|eu|ru|jp|js|py|exe|txt|html?|php|pdf|zip|dll|conf)\b",
    re.IGNORECASE,
)
_CODE_SIGN = re.compile(r"[/\\@_=<>(){}\[\]#]|www|\w\.[a-z0-9]|\d\.")
_TOKEN_REACH = 60
_TURN_MOST = 200_000  # characters; nobody says more in one turn, and each doubtful stop costs microseconds

_ANY_HELD = re.compile(r"(.)\1\1\1")  # three times faster than the next, which knows digits
_HELD = re.compile(r"([^\d\s])\1{3,}")
_HELD_PICTURE = re.compile("(.\ufe0f)\\1{3,}")
_HEX = re.compile(r"0[xX][0-9a-fA-F]*$")

_LEADING_DASH = re.compile(rf"[-–—―]+(?: [-–—―]+)*( ?)(?=({_LETTER}|[\"'¿¡(\[.*$£€]|(?<= )\d))")
_OPTION = re.compile(r"--[a-z]\w*(?:$|[-=])")


def straighten_quotes(text: str) -> str:
    """Write quotation marks and apostrophes one way, straight, so that one word is one word.

    The grave and the acute accent count as apostrophes inside a word. Left alone: guillemets, corner brackets,
    full-width quotes, primes, letters that look like apostrophes (ʻ, ʼ), and backquotes around code.

    >>> straighten_quotes("“It’s late”, he said. ‚Don´t!‘")
    '"It\\'s late", he said. \\'Don\\'t!\\''
    >>> straighten_quotes("«oui» 「はい」 `ls -l` 6′ Hawaiʻi")
    '«oui» 「はい」 `ls -l` 6′ Hawaiʻi'
    """
    if not text.isascii() and _CURLY.search(text):
        text = text.translate(_STRAIGHT)
    if "`" in text or "´" in text or "′" in text:
        text = _LEADING_TICK.sub("'", _TICK.sub("'", text))
        if "``" in text and "''" in text and "```" not in text:  # the Penn Treebank's quotation marks
            text = _TREEBANK.sub('"', text)
    return text


def join_apostrophes(text: str) -> str:
    """Close words that a tokeniser parted at the apostrophe: ``you ' re``, ``I 'm``, ``do n't``, ``l ' eau``.

    Only endings and beginnings that cannot be read otherwise are joined; a quotation in single quotes stays,
    and so do ``'cause`` and a dropped letter (``lookin' at``).

    >>> join_apostrophes("you ' re sure it 's Tom ' s ? I do n't")
    "you're sure it's Tom's ? I don't"
    >>> join_apostrophes("he said 'stay' and lookin' at 'em, 'cause ' yes '")
    "he said 'stay' and lookin' at 'em, 'cause ' yes '"
    """
    if " '" in text or "' " in text or " n'" in text or " N'" in text:
        if " n" in text or " N" in text:
            text = _CUT_NOT.sub(r"\1n't", text)
        text = _ENDING_BEHIND.sub("'", _ENDING_APART.sub("'", text))
    if " '" in text or "' " in text:
        text = _IRISH.sub(r"\1'", _WHOLE_WORD.sub(r"\1'", text))
        text = _CLIPPED.sub("'", _ELISION.sub(r"\1\2'", text))
    return text


def close_spaces(text: str) -> str:
    """Take out the spaces that a tokeniser put around marks: before stops, inside brackets and quotes.

    A comma on the wrong side of its space changes sides.

    Left alone: faces (``:)``), names and numbers that begin with a dot, ``cd ..``, brackets of code, a lone
    quotation mark.

    >>> close_spaces('Well , he asked " why ? " ( twice ) at 5 : 30 . . .')
    'Well, he asked "why?" (twice) at 5:30...'
    >>> close_spaces("see :) the .net, cd .. or $( ls ) at .5")
    'see :) the .net, cd .. or $( ls ) at .5'
    """
    if " " not in text:
        return text
    if ". ." in text:
        text = _SPACED_DOTS.sub(_without_spaces, text)
    if " : " in text or " , " in text:
        text = _THOUSAND.sub(",", _CLOCK.sub(r"\1:", text))
    text = _SPACED_MARK.sub("", text)
    if " ," in text:
        text = _COMMA_ASTRAY.sub(", ", text)
    if "(" in text:
        text = _PAREN.sub(r"(\1)", text)
    if " %" in text:
        text = _PERCENT.sub("%", text)
    text = _CURRENCY.sub(r"\1", text)
    return _SPACED_QUOTE.sub(r'"\1"', text) if '" ' in text else text


def part_sentences(text: str) -> str:
    """Put a space between two sentences that were glued together: ``done.It``.

    A stop between two lower-case letters and a capital parts them; ``Mr.Smith`` profits too. Left alone: addresses,
    file names, paths, code, initials (``U.S.``), ``e.g.``, ``Ph.D``, numbers.

    >>> part_sentences("It is done.It was easy!Ask Mr.Smith")
    'It is done. It was easy! Ask Mr. Smith'
    >>> part_sentences("www.Some.Com, Node.Js, U.S.A., e.g.This, os.Path(x), Ph.D")
    'www.Some.Com, Node.Js, U.S.A., e.g.This, os.Path(x), Ph.D'
    """
    return _GLUE.sub(_part, text) if len(text) <= _TURN_MOST else text


def squeeze_repeats(text: str) -> str:
    """Shorten a letter or mark held down to three: a model need not learn each length.

    Digits are left alone: 10000 is not 1000; so are hexadecimal numbers.

    >>> squeeze_repeats("noooooooo!!!!!!!! ........ 哈哈哈哈哈")
    'nooo!!! ... 哈哈哈'
    >>> squeeze_repeats("10000000 0xffffffff www... ---")
    '10000000 0xffffffff www... ---'
    """
    if "\ufe0f" in text:
        text = _HELD_PICTURE.sub(r"\1\1\1", text)
    return _HELD.sub(_squeeze, text) if _ANY_HELD.search(text) else text


def drop_speaker_dash(text: str) -> str:
    """Drop the dash that opens a line: subtitles and scripts mark a new speaker, or a broken-off one, with it.

    Left alone: dashes inside a line, negative numbers, options (``-v``, ``--help``), arrows, faces, a line of
    dashes.

    >>> drop_speaker_dash("- Hello - you"), drop_speaker_dash("--and then"), drop_speaker_dash("—¿Qué?")
    ('Hello - you', 'and then', '¿Qué?')
    >>> [drop_speaker_dash(text) for text in ("-5 degrees", "--help", "-v", "-> there", "-_-", "---")]
    ['-5 degrees', '--help', '-v', '-> there', '-_-', '---']
    """
    match = _LEADING_DASH.match(text)
    if not match or (not match[1] and not _is_speech(text, match)):
        return text
    return text[match.end() :]


def _without_spaces(match: re.Match[str]) -> str:
    return match[0].replace(" ", "")


def _part(match: re.Match[str]) -> str:
    text, at = match.string, match.start()
    after = text[at + 1 : at + 3]
    if (
        not text[at - 1].islower()
        or not after[0].isupper()
        or not (after[1:].islower() or after in ("A ", "I", "I ", "I'"))
    ):
        return match[0]
    start = max(text.rfind(" ", at - _TOKEN_REACH if at > _TOKEN_REACH else 0, at) + 1, at - _TOKEN_REACH, 0)
    token = text[start : at + _TOKEN_REACH].split(" ", 1)[0]
    if _CODE_SIGN.search(token) or _NAME_END.match(text, at + 1):
        return match[0]
    return match[0] + " "


def _squeeze(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 16) : match.start()]
    return match[0] if match[1] in "abcdefABCDEF" and _HEX.search(before) else match[1] * 3


def _is_speech(text: str, match: re.Match[str]) -> bool:
    dash, after = text[: match.end()], text[match.end() : match.end() + 2]
    if dash == "-":  # "-Hello" speaks, "-v" and "-R" do not
        return after[:1].isupper() and (after[1:].islower() or after in ("I ", "I'"))
    return not (dash == "--" and _OPTION.match(text))

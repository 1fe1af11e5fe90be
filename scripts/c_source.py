"""c_source - reads C files for the lint scripts: what is code, what is comment, and where.

A pattern over raw text takes an #include in a comment for an #include, and a // in a string for a comment. So the
text is split once, here, into code
(comments and the insides of literals blanked, every character in its old place) and a list of comments.
"""
import pathlib
import re
import sys
from typing import NamedTuple

TOKEN = re.compile(
    r"""(?P<block>/\*.*?(?:\*/|\Z))|(?P<line>//[^\n]*)|"(?P<string>(?:\\.|[^"\\\n])*)"|'(?P<char>(?:\\.|[^'\\\n])*)'""",
    re.S,
)
# In an #include the "..." is a file, not a literal to be blanked.
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?P<mark>[<"])(?P<file>[^>"\n]+)[>"]', re.M)
SUFFIXES = (".c", ".h", ".cc", ".hh", ".cpp", ".hpp")


class Comment(NamedTuple):
    kind: str  # "block" or "line"
    first: int  # its first and last line, from 0
    last: int
    alone: bool  # nothing but blanks stands before it on its first line
    text: str  # without its marks, on one line


class Source:
    """One file: path, lines of text, the same lines with only the code left, and the comments."""

    def __init__(self, path, root):
        self.path = path
        self.name = str(path.relative_to(root))
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.split("\n")
        self.comments = []
        self.code = TOKEN.sub(self._blank, self.text).split("\n")

    def _blank(self, token):
        kind = token.lastgroup
        if kind in ("block", "line"):
            self._remember(kind, token)
            return re.sub(r"[^\n]", " ", token[0])
        inner = token[kind]
        return token[0][0] + " " * len(inner) + token[0][-1]

    def _remember(self, kind, token):
        first = self.text.count("\n", 0, token.start())
        before = self.text[self.text.rfind("\n", 0, token.start()) + 1 : token.start()]
        text = token[0][2:-2] if kind == "block" else token[0][2:]
        words = re.sub(r"\s*\n\s*\*?\s*", " ", text).strip()
        self.comments.append(Comment(kind, first, first + token[0].count("\n"), not before.strip(), words))

    def includes(self):
        """Yields (line from 0, mark, file) for each #include that is code."""
        for number, line in enumerate(self.code):
            if re.match(r"\s*#\s*include\b", line):
                found = INCLUDE.match(self.lines[number])
                if found:
                    yield number, found["mark"], found["file"]


def sources(root, *folders):
    """Yields the C and C++ files under these folders of root, in order."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                yield Source(path, root)


def root_of(arguments):
    """The tree to look at: the first argument, or the one this script stands in."""
    return pathlib.Path(arguments[1] if len(arguments) > 1 else pathlib.Path(__file__).parent.parent).resolve()


def finish(problems, summary):
    """Prints what was found and exits as a check does."""
    for problem in problems:
        print(problem)
    print(summary if not problems else f"{len(problems)} found")
    sys.exit(1 if problems else 0)

#!/usr/bin/env python3
"""Reads out of transformers which weights its models share: what rules/tied_weights.toml holds.

    pip download --no-deps transformers==4.57.6       and the newest; then unpack each with: python3 -m zipfile -e
    extract_tied_weights.py OLDER NEWER > rules/tied_weights.toml

A class lists the names that it leaves out of a saved model, because they share another's weights, in the attribute
`_tied_weights_keys`: a list of names or regular expressions up to 4.x, a dict {left out: kept} since 5. The sources are
parsed and never imported. Only facts are copied: classes that the package exports, and their lists. What a model adds
to its list while it is being made is left out: whoever asks the class does not see it either.

The lists of all versions are joined. Where a newer version turned a pair around, the older one counts: 4.x cannot load
a model without the name that it keeps, 5 can load either.
"""

import ast
import pathlib
import sys
from itertools import filterfalse

from compile_tied_weights import PLAIN, TiedError, rewrite

ATTRIBUTE = "_tied_weights_keys"
NOT_TORCH = ("modeling_tf_", "modeling_flax_")
WIDTH = 120


class Module:
    """One modeling_*.py: its classes, what it imports from others, what it exports."""

    def __init__(self, package, path):
        self.name = ".".join(path.relative_to(package).with_suffix("").parts)
        self.classes, self.imported, self.exported = {}, {}, set()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
            elif isinstance(node, ast.ImportFrom):
                self._note_import(node)
            elif isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
                self.exported = set(ast.literal_eval(node.value))

    def _note_import(self, node):
        above = self.name.split(".")[: -node.level] if node.level else []
        source = ".".join([*above, *(node.module or "").split(".")])
        for alias in node.names:
            self.imported[alias.asname or alias.name] = source, alias.name


class Package:
    def __init__(self, unpacked):
        root = pathlib.Path(unpacked) / "transformers"
        if not root.is_dir():
            sys.exit(f"extract_tied_weights: {unpacked} holds no folder 'transformers'")
        self.version = next(root.parent.glob("transformers-*.dist-info")).stem.removeprefix("transformers-")
        paths = [p for p in sorted(root.rglob("modeling_*.py")) if not p.name.startswith(NOT_TORCH)]
        self.modules = {module.name: module for module in (Module(root, path) for path in paths)}
        front = ast.parse((root / "__init__.py").read_text(encoding="utf-8"))
        self.exported = {n.value for n in ast.walk(front) if isinstance(n, ast.Constant) and isinstance(n.value, str)}

    def listed(self):
        """{class: {name left out: name kept, or None where it is not said}}, for every exported class with names."""
        return {
            name: names
            for module in self.modules.values()
            for name in module.classes
            if name in self.exported | module.exported and (names := self._names(module, name))
        }

    def _names(self, module, name):
        """The list of a class or of the first base that has one; None where nobody has."""
        node = module.classes.get(name)
        if node is None:
            source, original = module.imported.get(name, ("", ""))
            return self._names(self.modules[source], original) if source in self.modules else None
        for statement in node.body:
            if _assigns(statement):
                names = ast.literal_eval(statement.value) or {}
                return names if isinstance(names, dict) else dict.fromkeys(names)
        for base in node.bases:
            found = self._names(module, base.id) if isinstance(base, ast.Name) else None
            if found is not None:
                return found
        return None


def _assigns(statement):
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return any(isinstance(target, ast.Name) and target.id == ATTRIBUTE for target in targets)


def is_understood(name):
    try:
        return bool(rewrite(name))
    except TiedError:
        return False


def union(packages):
    """{class: names of all versions}, and {expression: classes} for what tied.cpp cannot match."""
    lists, left_out = {}, {}
    for package in packages:
        for architecture, kept_by_name in package.listed().items():
            older = lists.get(architecture, set())
            names = {name for name, kept in kept_by_name.items() if kept not in older}
            for name in filterfalse(is_understood, names):
                left_out.setdefault(name, set()).add(architecture)
            lists[architecture] = older | set(filter(is_understood, names))
    return {architecture: names for architecture, names in lists.items() if names}, left_out


def quoted(text):
    return f'"{text}"' if PLAIN.fullmatch(text) else f"'{text}'"  # a literal string keeps its backslashes


def array(key, values):
    """On one line where it fits, and filled lines where it does not."""
    line = f"{key} = [{', '.join(map(quoted, values))}]"
    if len(line) <= WIDTH:
        return line
    lines = [" "]
    for value in values:
        if len(lines[-1]) + len(quoted(value)) + 2 > WIDTH:
            lines.append(" ")
        lines[-1] += f" {quoted(value)},"
    return "\n".join([f"{key} = [", *lines, "]"])


def document(packages):
    lists, left_out = union(packages)
    groups = {}
    for architecture, names in lists.items():
        groups.setdefault(tuple(sorted(names)), []).append(architecture)
    lines = [
        "# Names that transformers leaves out of a saved model, because they share another's weights: what each class",
        f"# lists in {ATTRIBUTE}. Names in '...' are regular expressions, found anywhere in a tensor's name.",
        "#",
        f"# Written by tools/extract_tied_weights.py from transformers {' and '.join(p.version for p in packages)} (PyPI).",
        *(["#", "# Listed there and left out here, because no simple pattern says it:"] if left_out else []),
        *(f"#   {name}  ({', '.join(sorted(classes))})" for name, classes in sorted(left_out.items())),
    ]
    for names, architectures in sorted(groups.items()):
        lines += ["", "[[tied]]", array("names", names), array("architectures", sorted(architectures))]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: extract_tied_weights.py UNPACKED_WHEEL...    the oldest first")
    sys.stdout.write(document([Package(unpacked) for unpacked in sys.argv[1:]]))

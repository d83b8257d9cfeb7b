#!/usr/bin/env python3
"""Holds src/ against its own diagram, src/CMakeLists.txt: folders depend upwards only, and each third-party library
lives in one room. What CMake's include roots cannot see (an include by "../", a system header) is looked for here.

    check_layers.py [REPOSITORY]
"""

import pathlib
import re
import sys

LINE = re.compile(r"assay_library\(([\w/]+)([^)]*)\)")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
THIRD_PARTY = {
    "CLI/": "CLI11", "archive": "libarchive", "bzlib.h": "bzip2", "git2": "libgit2", "hs/": "Vectorscan", "lz4": "lz4", "lzma": "liblzma",
    "nlohmann/": "nlohmann-json", "openssl/": "OpenSSL", "re2/": "RE2", "seccomp.h": "libseccomp", "tl/": "tl::expected",
    "toml++/": "toml++", "yara.h": "libyara", "zlib.h": "zlib", "zstd": "zstd",
}
VOCABULARY = {"tl::expected"}  # base/result.h publishes it: every room speaks it
BEHIND = {"ARCHIVE": {"LZMA", "BZIP2", "ZLIB"}, "YARA": {"CRYPTO", "LZMA", "BZIP2", "ZLIB"}}  # what a static libarchive itself is linked with


def words_after(key, text):
    """The words that follow `key` in an assay_library line, up to the next key."""
    found = re.search(rf"\b{key}\b(.*?)(?=\bDEPENDS\b|\bLINKS\b|\bGENERATED\b|$)", text, re.DOTALL)
    return re.findall(r"[\w/]+", found[1]) if found else []


def diagram_problems(text, src):
    above, rooms_of = set(), {}
    for folder, rest in LINE.findall(re.sub(r"#.*", "", text)):
        if not (src / folder).is_dir():
            yield f"src/CMakeLists.txt: there is no folder src/{folder}"
        for other in words_after("DEPENDS", rest):
            if other not in above:
                yield f"src/CMakeLists.txt: {folder} depends on {other}, which does not stand above it"
        above.add(folder)
        links = set(words_after("LINKS", rest))
        for library in links - set().union(*(BEHIND.get(owner, set()) for owner in links)):
            rooms_of.setdefault(library, []).append(folder)
    for library, rooms in rooms_of.items():
        if len(rooms) > 1:
            yield f"src/CMakeLists.txt: {library} is linked by {' and '.join(rooms)}"


def include_problems(root, src):
    rooms_of = {}
    for path in sorted([*src.rglob("*.cpp"), *src.rglob("*.h")]):
        for header in INCLUDE.findall(path.read_text()):
            if header.startswith("../"):
                yield f"{path.relative_to(root)}: includes {header}; name it from src/ downwards"
            library = next((name for start, name in THIRD_PARTY.items() if header.startswith(start)), None)
            if library and library not in VOCABULARY and not path.name.endswith(("_test.cpp", "_fuzz.cpp")):
                if not (src / header).exists():
                    rooms_of.setdefault(library, {}).setdefault(path.parent.relative_to(src).as_posix(), path)
    for library, rooms in rooms_of.items():
        if len(rooms) > 1:
            yield f"src: {library} belongs to one room, and is included in " + ", ".join(sorted(rooms))


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    src = root / "src"
    problems = [*diagram_problems((src / "CMakeLists.txt").read_text(), src), *include_problems(root, src)]
    print("\n".join(problems) if problems else "layers: every folder looks upwards, every library has one room")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""How well the scanner tells secrets from the rest: precision, recall, and by detector what was taken for what, over the
lines of tools/secret_lines.py."""

import pathlib

import inputs  # noqa: F401  (puts tools/ on the path)
import secret_lines

SEED, EACH = 1, 6000  #: with a secret, and without


def run(bench):
    program = pathlib.Path(bench.assay).parent / "src" / "secrets_hits"
    if not program.exists():
        bench.skipped.append(f"secrets: {program.name} is not built; ./dev bench builds it")
        return
    every = secret_lines.lines(SEED, EACH, EACH)
    table, confused, _ = secret_lines.evaluate(every, secret_lines.hits_of_engine(every, program))
    bench.told += secret_lines.confusion(every, table, confused)
    for what, value in zip(("precision", "recall"), secret_lines.rates(table)):
        bench.add("secrets", f"{what} over {len(every)} generated lines", value, "", secret_lines.LEAST, at_least=True)

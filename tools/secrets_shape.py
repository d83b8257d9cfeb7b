"""What can be read off a pattern of rules/secrets, so that the scanner has less to ask it."""

import re

import secrets_model as model

GATE_BYTES = 32  # of a match's beginning that are compared before the pattern is tried


def parsed(pattern):
    return re._parser.parse(pattern.encode())


class Gate:
    """Which bytes can stand at each of the first places of a match: a necessary condition, read off the pattern. It turns
    most keywords away for the price of a comparison."""

    def __init__(self, pattern):
        tree = parsed(pattern)
        self.count = min(tree.getwidth()[0], GATE_BYTES)
        self.sets = [set() for _ in range(self.count)]
        self.follow(tree, {0}, False)

    def follow(self, tree, places, fold):
        """The places behind `tree`, where it may begin at any of `places`. Places behind the gate are forgotten."""
        for op, argument in tree:
            places = self.step(str(op), argument, places, fold)
        return places

    def step(self, name, argument, places, fold):
        if name == "SUBPATTERN":
            return self.follow(argument[3], places, fold or bool(argument[1] & re.IGNORECASE))
        if name == "BRANCH":
            return set().union(*(self.follow(branch, places, fold) for branch in argument[1]))
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            return self.repeat(*argument, places, fold)
        here = model.bytes_of(name, argument, fold)
        for place in places:
            self.sets[place] |= here
        return {place + 1 for place in places if place + 1 < self.count}

    def repeat(self, least, most, tree, places, fold):
        behind = set() if least else set(places)
        for turn in range(1, most + 1):
            places = self.follow(tree, places, fold)
            behind |= places if turn >= least else set()
            if not places:
                break
        return behind


def place_of_secret(pattern):
    """Where group 1 stands in a match, if it can stand in one place only:

        ("whole",)                there is no group
        ("fixed", bytes, behind)  so many bytes, and so many behind them
        ("run", members)          the last bytes of the match that are all of `members`, as many as there are
        ("group",)                anything else: only the pattern knows
    """
    tree = parsed(pattern)
    if tree.state.groups == 1:
        return ("whole",)
    items = list(tree)
    at = next((i for i, (op, argument) in enumerate(items) if str(op) == "SUBPATTERN" and argument[0] == 1), None)
    if at is None:
        return ("group",)
    before, secret, behind = items[:at], items[at][1][3], items[at + 1:]
    widths = secret.getwidth(), tree[at + 1:].getwidth()
    if all(least == most for least, most in widths):
        return "fixed", widths[0][0], widths[1][0]
    members = only_bytes(secret)
    if members and not members & model.bytes_in(behind, False) and ends_outside(before, members, False):
        return "run", members
    return ("group",)


def only_bytes(tree):
    """The bytes of a piece that is one class, once or more often; None where it is anything else."""
    (op, argument), *rest = tree
    if rest or str(op) != "MAX_REPEAT" or argument[0] == 0 or len(argument[2]) != 1 or argument[2].getwidth() != (1, 1):
        return None
    return model.bytes_in(argument[2], False)


def ends_outside(items, members, fold):
    """Whether whatever these pieces match ends with a byte that is not of `members`."""
    for op, argument in reversed(items):
        name = str(op)
        if name == "SUBPATTERN":
            return ends_outside(argument[3], members, fold or bool(argument[1] & re.IGNORECASE))
        if name == "BRANCH":
            return all(ends_outside(branch, members, fold) for branch in argument[1])
        repeated = name in ("MAX_REPEAT", "MIN_REPEAT")
        if members & (model.bytes_in(argument[2], fold) if repeated else model.bytes_of(name, argument, fold)):
            return False
        if not repeated or argument[0] > 0 and argument[2].getwidth()[0] > 0:
            return True
    return False

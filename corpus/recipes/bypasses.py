"""Published bypasses that no other recipe file tells."""

from archives import plain_zip
from assembler import Pickle, framed, harmless, payload
from registry import case

OS = [("os", "system")]


@case("bypasses/zip-appended", status="unsafe", threats=["A28", "A22"], bypass=["zip-appended"], imports=OS)
def zip_appended():
    """A payload comes first and an innocent zip stands behind it, so that whoever finds the zip looks no further."""
    return payload() + plain_zip({"archive/data.pkl": harmless()})


@case("bypasses/zeros-then-payload", status="suspicious", threats=["A22"], bypass=["junk-between"], imports=OS,
      unsure="a loop of loads stops at the zeros; whoever skips them runs the payload")
def zeros_then_payload():
    """Padding stands between an innocent pickle and one that calls os.system."""
    return harmless() + bytes(64) + payload()


@case("bypasses/text-file-in-zip", status="unsafe", threats=["C10", "A24", "A25"], bypass=["payload-as-text"],
      imports=OS, loader="zipfile", file="input.zip")
def text_file_in_zip():
    """A protocol 0 payload, all letters, is the member payload.txt of a zip."""
    return plain_zip({"payload.txt": payload(None)})


@case("bypasses/decoy-texts", status="unsafe", threats=["A4"], bypass=["payload-as-text"], imports=OS)
def decoy_texts():
    """Innocent texts are pushed and popped right before STACK_GLOBAL, where a reader of the last texts finds them."""
    p = Pickle().value("os").value("system").value("collections").pop().value("OrderedDict").pop()
    return framed(p.stack_global().value(("true",)).reduce().stop())

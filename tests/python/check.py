"""Checks one acknowledgement, receipt or evidence of a ledger, with nothing but
its format document and two libraries. Exit status 0: it holds; 1: it does not.

  check.py acknowledgement FILE VKEY GENESIS_HASH
  check.py receipt FILE VKEY
  check.py evidence FILE VKEY

With a folder in the place of FILE each file in it is checked, by name, and gets a
line; the status is 0 if all hold.
"""

import os
import sys

import evidence
import ledger
from wire import Malformed


def check(kind, name, vkey, *rest):
    """What a file shows."""
    vkey = ledger.VerifierKey(vkey)
    with open(name, "rb") as file:
        data = file.read()
    if kind == "acknowledgement":
        position = ledger.acknowledgement(data, vkey.key, bytes.fromhex(rest[0]))
        return f"record {position} is acknowledged"
    if kind == "receipt":
        text = data.startswith(b"c2sp.org/tlog-proof@v1\n")
        held = ledger.receipt_text(data.decode(), vkey) if text else ledger.receipt(data, vkey)
        return "record {} is in the tree of {} records".format(*held)
    if kind == "evidence":
        lot, chain, proven, attested = evidence.check(data, vkey)
        beyond = "" if attested is None else f", attested before record {attested}"
        positions = " ".join(map(str, chain))
        return f"lot {lot} has the records {positions}; no other is proven before record {proven}{beyond}"
    raise ledger.Wrong(f"{kind} is nothing that can be checked")


def main(kind, name, *rest):
    files = [os.path.join(name, file) for file in sorted(os.listdir(name))] if os.path.isdir(name) else [name]
    failed = 0
    for file in files:
        before = "" if file == name else f"{os.path.basename(file)}: "
        try:
            print(f"{before}{check(kind, file, *rest)}")
        except (ledger.Wrong, Malformed, ValueError, KeyError, IndexError) as error:
            print(f"{before}not verified: {error}")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

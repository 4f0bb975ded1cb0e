"""What the ledger signs, checked from its format document alone."""

import base64
import hashlib

from blake3 import blake3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wire import Message


class Wrong(Exception):
    """What was claimed does not hold."""


def need(holds, what):
    if not holds:
        raise Wrong(what)


def tagged(tag, *pieces):
    return blake3(bytes([tag]) + b"".join(pieces)).digest()


def signed(key, message, signature, what):
    """Ed25519 over exactly these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise Wrong(f"{what}: the signature does not verify") from None


def dsse(kind, body):
    """DSSE pre-authentication encoding."""
    kind = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def climb(leaf, index, size, path, node):
    """RFC 9162, section 2.1.3.2, which is RFC 6962's: from a leaf to a root."""
    need(index < size, "the index is outside the tree")
    at, last, root = index, size - 1, leaf
    for sibling in path:
        need(last > 0, "the path is too long")
        if at & 1 or at == last:
            root = node(sibling, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = node(root, sibling)
        at, last = at >> 1, last >> 1
    need(last == 0, "the path is too short")
    return root


def acknowledgement(data, key, genesis):
    """An Acknowledgement, by the ledger's public key and its genesis hash.
    Returns the position that it acknowledges."""
    ack = Message(data)
    head_bytes = ack.bytes(1)
    head, position = Message(head_bytes), Message(head_bytes).number(1)
    signed_commit = ack.message(2)
    commit_bytes = signed_commit.bytes(1)
    commit, signature = Message(commit_bytes), signed_commit.message(2)
    need(signature.bytes(1) == tagged(0x09, key)[:16], "signed with another key")
    kind = "application/vnd.hazledger.commit.v1+protobuf"
    signed(key, dsse(kind, commit_bytes), signature.bytes(2), "the commit")
    need(commit.bytes(1) == genesis, "of another ledger")
    first, count = commit.number(2), commit.number(3)
    need(first <= position < first + count, "the position is outside the batch")
    head_hash = tagged(0x01, head_bytes)
    root = climb(
        tagged(0x06, head_hash),
        position - first,
        count,
        ack.each(3),
        lambda left, right: tagged(0x07, left, right),
    )
    need(root == commit.bytes(4), "the path does not lead to the batch's root")
    if position == first + count - 1:
        need(head_hash == commit.bytes(5), "the last head is another")
    if position == 0:
        need(head_hash == genesis, "record 0 is another")
    need(len(head.bytes(3)) == 32, "the head names no previous one")
    return position


class VerifierKey:
    """A C2SP signed-note verifier key: name+hash+base64(type || key)."""

    def __init__(self, text):
        self.name, digest, blob = text.split("+", 2)
        blob = base64.b64decode(blob, validate=True)
        self.kind, self.key = blob[0], blob[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + blob).digest()[:4]
        need(self.id.hex() == digest, "the verifier key's hash is not its own")
        need(self.kind == 1 and len(self.key) == 32, "not an Ed25519 verifier key")


def checkpoint(note, vkey):
    """A C2SP tlog-checkpoint: (size, root) that the key signed."""
    text, signatures = note.split("\n\n", 1)
    text += "\n"
    by_key = 0
    for line in signatures.splitlines():
        dash, name, blob = line.split(" ")
        blob = base64.b64decode(blob, validate=True)
        if dash == "\u2014" and name == vkey.name and blob[:4] == vkey.id:
            signed(vkey.key, text.encode(), blob[4:], "the checkpoint")
            by_key += 1
    need(by_key, "the checkpoint is not signed by that key")
    origin, size, root = text.splitlines()[:3]
    need(origin == vkey.name, "the checkpoint is of another log")
    return int(size), base64.b64decode(root, validate=True)


def leaf(entry):
    """RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def in_tree(entry, index, path, size, root):
    def node(left, right):
        return hashlib.sha256(b"\x01" + left + right).digest()

    need(climb(leaf(entry), index, size, path, node) == root, f"record {index} is not in the tree")


def receipt(data, vkey):
    """A Receipt, by the ledger's verifier key. Returns position and tree size."""
    message = Message(data)
    head = message.bytes(1)
    size, root = checkpoint(message.text(3), vkey)
    position = Message(head).number(1)
    in_tree(head, position, message.each(2), size, root)
    return position, size


def receipt_text(text, vkey):
    """The same as text: C2SP tlog-proof with the head in its extra line."""
    proof, note = text.split("\n\n", 1)
    first, extra, index, *path = proof.split("\n")
    need(first == "c2sp.org/tlog-proof@v1", "not a tlog-proof")
    need(extra.startswith("extra ") and index.startswith("index "), "no head, or no index")
    head = base64.b64decode(extra[len("extra ") :], validate=True)
    position = int(index[len("index ") :])
    need(Message(head).number(1) == position, "the index is not the head's position")
    size, root = checkpoint(note, vkey)
    path = [base64.b64decode(line, validate=True) for line in path]
    in_tree(head, position, path, size, root)
    return position, size

"""What the ledger signs, checked from its format document alone."""

import base64
import binascii
import hashlib
import re

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


def unbase64(text):
    """Base64, in its one form: no bits are left over."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Wrong(f"{text!r} is no base64") from None
    need(base64.b64encode(data).decode() == text, f"{text!r} is base64 in another form")
    return data


def decimal(text):
    """A decimal number, in its one form."""
    need(re.fullmatch("0|[1-9][0-9]{0,19}", text), f"{text!r} is no decimal number")
    return int(text)


# The y of Ed25519's points of small order: a signature by such a key, or with such
# an R, may be anybody's.
P = 2**255 - 19
OF_EIGHT = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL = (0, 1, P - 1, OF_EIGHT, P - OF_EIGHT)


def is_small(point):
    return (int.from_bytes(point, "little") & (2**255 - 1)) % P in SMALL


def signed(key, message, signature, what):
    """Ed25519 over exactly these bytes, strictly."""
    need(len(key) == 32 and len(signature) == 64, f"{what}: no Ed25519 key or signature")
    need(not is_small(key) and not is_small(signature[:32]), f"{what}: a point of small order")
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
        need(len(sibling) == 32, "a hash of the path is not 32 bytes")
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
        blob = unbase64(blob)
        need(len(blob) == 33, "the verifier key has another length")
        self.kind, self.key = blob[0], blob[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + blob).digest()[:4]
        need(self.id.hex() == digest, "the verifier key's hash is not its own")
        need(self.kind == 1, "not an Ed25519 verifier key")


def checkpoint(note, vkey):
    """A C2SP tlog-checkpoint: (size, root) that the key signed."""
    need(not re.search("[\0-\x09\x0b-\x1f]", note), "a control character in the checkpoint")
    text, blank, signatures = note.rpartition("\n\n")
    text += "\n"
    need(blank and signatures.endswith("\n"), "the checkpoint is no note")
    origin, size, root, *more = text[:-1].split("\n")
    need(origin == vkey.name, "the checkpoint is of another log")
    need(len(more) <= 16 and all(more), "the checkpoint has empty lines, or too many")
    size, root = decimal(size), unbase64(root)
    need(len(root) == 32, "the checkpoint's root is not 32 bytes")
    ours = 0
    for line in signatures[:-1].split("\n"):
        dash, name, blob = line.split(" ")
        blob = unbase64(blob)
        need(dash == "\u2014" and name and len(blob) > 4, "a line that is no signature")
        if name == vkey.name and blob[:4] == vkey.id:
            signed(vkey.key, text.encode(), blob[4:], "the checkpoint")
            ours += 1
    need(ours, "the checkpoint is not signed by that key")
    return size, root


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
    head = unbase64(extra[len("extra ") :])
    position = decimal(index[len("index ") :])
    need(Message(head).number(1) == position, "the index is not the head's position")
    size, root = checkpoint(note, vkey)
    path = [unbase64(line) for line in path]
    in_tree(head, position, path, size, root)
    return position, size

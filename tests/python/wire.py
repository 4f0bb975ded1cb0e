"""Protobuf's wire format, as much of it as the ledger's messages use, after
the public encoding guide and the ledger's format document; none of the ledger's
own code is used."""


class Malformed(Exception):
    """Bytes that are not what they should be."""


def varint(data, at):
    """An unsigned integer and where it ends."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Malformed("a cut or overlong varint")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if value >> 64:
            raise Malformed("a varint of more than 64 bits")
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """The fields of a message in order: (number, int or bytes)."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            length, at = varint(data, at)
            value = data[at : at + length]
            if len(value) != length:
                raise Malformed(f"field {number} is cut off")
            at += length
        else:
            raise Malformed(f"field {number} has wire type {kind}")
        yield number, value


class Message:
    """A message's fields by number; absent ones read as their default."""

    def __init__(self, data):
        self.data = data
        self.by_number = {}
        for number, value in fields(data):
            self.by_number.setdefault(number, []).append(value)

    def _last(self, number, default, kind):
        value = self.by_number.get(number, [default])[-1]
        if not isinstance(value, kind):
            raise Malformed(f"field {number} has the wrong wire type")
        return value

    def number(self, number):
        return self._last(number, 0, int)

    def int64(self, number):
        value = self.number(number)
        return value - (1 << 64) if value >> 63 else value

    def sint64(self, number):
        value = self.number(number)
        return (value >> 1) ^ -(value & 1)

    def bytes(self, number):
        return self._last(number, b"", bytes)

    def text(self, number):
        return self.bytes(number).decode("utf-8")

    def message(self, number):
        return Message(self.bytes(number))

    def has(self, number):
        return number in self.by_number

    def each(self, number):
        return self.by_number.get(number, [])

    def messages(self, number):
        return [Message(value) for value in self.each(number)]

"""Evidence of a lot, checked from the format document alone: heads in the tree,
parts against their digests, signatures by keys whose registration is shown,
every link, each lot's chain to its birth, what it was made of and rests on
(`origins`), and that nothing came after."""

import origins
from ledger import checkpoint, climb, dsse, in_tree, need, signed, tagged
from wire import Message

# The ledger's own party.
LEDGER = "LEDGER"
# Kinds of subjects and of links.
LOT, KEY = 1, 9
CHAIN, USE = 1, 2
# Fields of Event and of Change.
KEY_REGISTERED, KEY_REVOKED, GENESIS, STATE_RECORDED = 104, 105, 200, 201
KEY_ROTATED = 206
OFFERED, ACCEPTED = 30, 31
LOT_BORN, POSTING = 2, 3
# Kinds of accounts that hold.
HOLDINGS = (20, 21)
# (parts of Record, digests of Head or Payload, tag)
KINDS = {"events": (2, 9, 0x02), "links": (3, 6, 0x03), "outcomes": (4, 7, 0x04), "findings": (5, 8, 0x05)}


class Record:
    """A record of which some parts are shown."""

    def __init__(self, data):
        record = Message(data)
        self.head_bytes = record.bytes(1)
        self.head = Message(self.head_bytes)
        self.position = self.head.number(1)
        self.recorded_at_ms = self.head.int64(2)
        self.payload_bytes = self.head.bytes(4)
        self.payload = Message(self.payload_bytes)
        for name, (parts, digests, tag) in KINDS.items():
            owner = self.payload if name == "events" else self.head
            setattr(self, name, self._shown(record.messages(parts), owner.each(digests), tag, name))

    def _shown(self, parts, digests, tag, name):
        need(len(parts) == len(digests), f"record {self.position} has another number of {name}")
        shown = []
        for part, digest in zip(parts, digests):
            salt, body = part.bytes(1), part.bytes(2)
            if not salt and not body:
                shown.append(None)
                continue
            whole = len(salt) == 16 and tagged(tag, salt, body) == digest
            need(whole, f"one of the {name} of record {self.position} is not what its head says")
            shown.append(Message(body))
        return shown

    def is_whole(self):
        return all(None not in getattr(self, name) for name in KINDS)

    def shown_outcomes(self):
        """Changes by subject; a subject has one outcome, and they stand in order."""
        outcomes = [(subject_of(o.message(1)), o.messages(2)) for o in self.outcomes if o]
        subjects = [subject for subject, _ in outcomes]
        need(subjects == sorted(set(subjects)), f"record {self.position}: outcomes are out of order")
        return dict(outcomes)

    def may_hide(self, subject):
        return hidden(self, subject)

    def shown_links(self):
        """(subject, kind, position of the subject's previous record or None)"""
        for link in filter(None, self.links):
            subject = link.message(1)
            previous = link.number(3) if link.has(3) else None
            yield (subject.number(1), subject.bytes(2)), link.number(2), previous


def key_id(key):
    return tagged(0x09, key)[:16]


class Keys:
    """Keys as the records shown so far register and revoke them."""

    def __init__(self):
        self.known = {}
        self.revoked = set()
        self.authorities = set()
        self.threshold = 0
        self.genesis_hash = b""
        # The ledger's own, each with the first position that it signs.
        self.ledger = []

    def genesis(self, record):
        need(record.is_whole() and len(record.events) == 1, "record 0 is not whole")
        need(record.events[0].has(GENESIS), "record 0 is no genesis")
        before = record.head.bytes(3), record.payload.message(1).bytes(2)
        need(before == (bytes(32), bytes(32)), "record 0 is not the first")
        self.genesis_hash = tagged(0x01, record.head_bytes)
        genesis = record.events[0].message(GENESIS)
        key = genesis.bytes(1)
        self.known[key_id(key)] = (LEDGER, key, 0, None)
        self.ledger.append((0, key))
        for authority in genesis.messages(2):
            key, party = authority.bytes(4), authority.text(1)
            self.authorities.add(party)
            self.known[key_id(key)] = (party, key, 0, None)
        self.threshold = genesis.number(3)

    def check(self, record):
        """Every signature of a record, by keys in force when it was recorded.
        Returns the keys' parties."""
        where = f"record {record.position}"
        used = {subject[1] for subject, kind, _ in record.shown_links() if kind == USE and subject[0] == KEY}
        need(record.links and record.links[-1], f"{where} hides its last link")
        need(record.payload.each(9), f"{where} names no event")
        need(record.payload.number(5) == 1, f"{where} is signed in a way that is unknown")
        need(record.payload.int64(8) > record.recorded_at_ms, f"{where} had expired")
        cosigners = record.payload.each(6)
        need(cosigners == sorted(set(cosigners)), f"{where}: co-signers are out of order")
        wanted = [record.payload.bytes(4), *cosigners]
        signatures = record.head.messages(5)
        names = [signature.bytes(1) for signature in signatures]
        need(names == sorted(wanted), f"{where} is not signed by those who must have")
        need(len(set(names)) == len(names), f"{where} is signed twice with a key")
        parties = []
        for name, signature in zip(names, signatures):
            live = name in self.known and name not in self.revoked
            need(live, f"{where} is signed with a key that is unknown or revoked")
            party, key, since, until = self.known[name]
            need(name in used, f"{where} does not show what its key rests on")
            at = record.recorded_at_ms
            need(since <= at and (until is None or at < until), f"{where}: its key was not in force")
            if name == record.payload.bytes(4):
                need(party == record.payload.text(3), f"{where}: the key is another party's")
            kind = "application/vnd.hazledger.statement.v1+protobuf"
            signed(key, dsse(kind, record.payload_bytes), signature.bytes(2), where)
            parties.append(party)
        return parties

    def take(self, record, parties):
        """What a record says of the keys whose chains it goes on with."""
        by_authorities = sum(party in self.authorities for party in parties)
        chained = {}
        for subject, kind, previous in record.shown_links():
            if kind == CHAIN and subject[0] == KEY:
                chained[subject[1]] = previous
        for name, previous in chained.items():
            own = name == record.payload.bytes(4) and not by_authorities
            harmless = own or all(party == LEDGER for party in parties)
            hides = previous is not None and None in record.events and not harmless
            need(not hides, f"record {record.position} hides what became of a key")
        for event in filter(None, record.events):
            if event.has(KEY_REGISTERED):
                body = event.message(KEY_REGISTERED)
                name = key_id(body.bytes(3))
                if name in chained:
                    need(name not in self.known, "a key is registered twice")
                    need(by_authorities >= self.threshold, "a key is registered by too few")
                    dates = body.int64(6), body.int64(7)
                    self.known[name] = (body.text(1), body.bytes(3), *dates)
            if event.has(KEY_REVOKED) and event.message(KEY_REVOKED).bytes(1) in chained:
                self.revoked.add(event.message(KEY_REVOKED).bytes(1))
            if event.has(KEY_ROTATED):
                self.rotate(record, event.message(KEY_ROTATED), by_authorities)
        need(all(name in self.known for name in chained), "a key is not shown")

    def rotate(self, record, rotated, by_authorities):
        """The ledger's own key is followed by another, which signs for itself."""
        where = f"record {record.position}, a rotation"
        earlier, key = rotated.bytes(1), rotated.bytes(2)
        need(len(record.events) == 1, f"{where}: not alone")
        acting = record.payload.text(3) in self.authorities
        need(acting and by_authorities >= self.threshold, f"{where}: signed by too few")
        in_force = earlier in self.known and earlier not in self.revoked
        need(in_force and self.known[earlier][0] == LEDGER, f"{where}: of no key in force")
        need(len(key) == 32 and key_id(key) not in self.known, f"{where}: to a key that is known")
        vow = b"\x0a\x20" + self.genesis_hash + b"\x12\x10" + earlier + b"\x1a\x20" + key
        kind = "application/vnd.hazledger.ledger-key.v1+protobuf"
        signed(key, dsse(kind, vow), rotated.bytes(5), where)
        self.known[key_id(key)] = (LEDGER, key, 0, None)
        self.revoked.add(earlier)
        self.ledger.append((record.position + 1, key))

    def check_checkpoint(self, key, size):
        """A key that is shown signs only what is its own."""
        in_force = [known for since, known in self.ledger if since < size][-1]
        shown = any(key == known for _, known in self.ledger)
        need(key == in_force or not shown, "the checkpoint is signed by another key than its last record")


class Lot:
    """A lot's accounts, added up from the outcomes that are shown."""

    def __init__(self):
        self.accounts = {}
        self.born = False

    def take(self, record, lot):
        outcomes = record.shown_outcomes()
        if lot not in outcomes:
            need(not hidden(record, lot), f"record {record.position} may hide the lot's outcome")
        changes = outcomes.get(lot, [])
        births = [number for number, change in enumerate(changes) if change.has(LOT_BORN)]
        need(births == ([] if self.born else [0]), "the lot's chain does not begin with its birth, or has another")
        if not self.born:
            self.named(record, lot, changes[0].message(1))
            self.born = True
        total = [0, 0]
        for change in changes:
            if change.has(POSTING):
                posting = change.message(POSTING)
                account = posting.bytes(1)
                sums = self.accounts.setdefault(account, [0, 0])
                for at in (0, 1):
                    booked = posting.sint64(2 + at)
                    sums[at] += booked
                    total[at] += booked
        need(total == [0, 0], f"record {record.position}: the lot's postings are not zero")
        for account, sums in self.accounts.items():
            holding = Message(account).number(1) in HOLDINGS
            need(not holding or min(sums) >= 0, f"record {record.position}: a holding below zero")

    @staticmethod
    def named(record, lot, cause):
        payload, event_index = record.payload, cause.number(1).to_bytes(4, "big")
        need(not cause.has(2), "a birth of a fact that waited")
        for line in range(512):
            numbers = event_index + line.to_bytes(4, "big")
            if tagged(0x08, payload.bytes(2), numbers, payload.bytes(3))[:16] == lot[1]:
                return
        need(False, "the lot is not named after its birth")


def subject_of(message):
    return message.number(1), message.bytes(2)


def hidden(record, subject):
    """Whether one of the withheld outcomes can be a subject's."""
    links = [None if link is None else (subject_of(link.message(1)), link.number(2)) for link in record.links]
    at = links.index((subject, CHAIN))
    uses = (number for number, link in enumerate(links) if link and link[1] == USE)
    chains, count = next(uses, len(links)), len(record.outcomes)
    for place in range(max(0, at - (chains - count)), min(at, count - 1) + 1):
        shown = [subject_of(o.message(1)) if o else None for o in record.outcomes]
        before = all(s < subject for s in shown[:place] if s)
        after = all(subject < s for s in shown[place + 1 :] if s)
        if shown[place] is None and before and after:
            return True
    return False


def climb_touched(entry, root, count):
    """A line of a map of touched subjects: RFC 6962's shape with BLAKE3."""
    leaf = tagged(0x0C, entry.bytes(1), entry.number(2).to_bytes(8, "big"))
    node = lambda left, right: tagged(0x0D, left, right)
    found = climb(leaf, entry.number(3), count, entry.each(4), node)
    need(found == root, "a line of a map does not lead to its root")
    return entry.bytes(1), entry.number(2), entry.number(3)


def last_in_map(proof, subject, root, count):
    """The subject's latest position in a map, or None if it is not in it."""
    digest = tagged(0x11, subject[0].to_bytes(4, "big"), subject[1])
    if proof.has(2):
        need(not proof.has(3) and not proof.has(4), "a map shows the subject and a gap")
        line, position, _ = climb_touched(proof.message(2), root, count)
        need(line == digest, "the line shown is another subject's")
        return position
    if count == 0:
        need(root == bytes(32), "an empty map has another root")
        need(not proof.has(3) and not proof.has(4), "an empty map has lines")
        return None
    before = climb_touched(proof.message(3), root, count) if proof.has(3) else None
    after = climb_touched(proof.message(4), root, count) if proof.has(4) else None
    need(before or after, "a map neither shows the subject nor a gap")
    need(before is None or before[0] < digest, "the line before is not before")
    need(after is None or digest < after[0], "the line after is not after")
    low = before[2] + 1 if before else 0
    high = after[2] if after else count
    need(low == high, "the gap is not one")
    return None


def follow(record, ends):
    """Each link that is shown leads to the last record of its chain that is."""
    chained = []
    for subject, kind, previous in record.shown_links():
        if record.position and previous is None:
            need(kind == CHAIN and subject not in ends, "a chain begins twice")
        elif record.position:
            what = f"record {record.position} rests on record {previous}, which is left out"
            need(ends.get(subject) == previous, what)
        if kind == CHAIN:
            chained.append(subject)
    ends.update((subject, record.position) for subject in chained)


def check_offers(record, records):
    """An acceptance that is shown is of the offer that is."""
    for event in filter(None, record.events):
        if event.has(ACCEPTED):
            offer = event.message(ACCEPTED).message(1)
            for other in records.values():
                if (other.payload.bytes(3), other.payload.bytes(2)) == (offer.bytes(1), offer.bytes(2)):
                    digest, shown = other.payload.each(9)[offer.number(3)], other.events[offer.number(3)]
                    need(digest == offer.bytes(4), "an acceptance is of another offer")
                    need(shown is None or shown.has(OFFERED), "what is accepted is no offer")


def check_order(record, before, said):
    """A record after the one before it in the file."""
    need(before.recorded_at_ms <= record.recorded_at_ms, "the ledger's clock runs backwards")
    beside = before.position + 1 == record.position
    chained = record.head.bytes(3) == tagged(0x01, before.head_bytes)
    need(chained or not beside, f"record {record.position} does not follow the one before it")
    name = record.payload.bytes(3), record.payload.bytes(2)
    need(name not in said, f"record {record.position} repeats a statement")
    said.add(name)


def check(data, vkey):
    """Evidence, by the ledger's verifier key. Returns (lot in hexadecimal,
    positions of its chain, proven up to, attested up to or None)."""
    evidence = Message(data)
    need(evidence.number(1) == 1 and len(evidence.bytes(2)) == 16, "another version, or no lot")
    lot = (LOT, evidence.bytes(2))
    size, root = checkpoint(evidence.text(3), vkey)
    keys, lots, ends, records, own, said = Keys(), {}, {}, {}, set(), set()
    for held in evidence.messages(4):
        record = Record(held.bytes(1))
        at = record.position
        need(at < size and at not in records and at >= max(records, default=0), "records are out of order")
        in_tree(record.head_bytes, at, held.each(2), size, root)
        origin = record.payload.message(1)
        need(origin.text(1) == vkey.name, f"record {at} is of another ledger")
        if not records:
            need(at == 0, "record 0 is not shown")
            genesis_hash = tagged(0x01, record.head_bytes)
            keys.genesis(record)
        else:
            need(origin.bytes(2) == genesis_hash, f"record {at} is of another ledger")
            parties = keys.check(record)
            keys.take(record, parties)
            if all(party == LEDGER for party in parties):
                own.add(at)
        check_order(record, records[max(records)] if records else record, said)
        follow(record, ends)
        for subject, kind, _ in record.shown_links():
            if kind == CHAIN and subject[0] == LOT:
                lots.setdefault(subject, Lot()).take(record, subject)
        records[at] = record
    for record in records.values():
        check_offers(record, records)
    keys.check_checkpoint(vkey.key, size)
    stated = [m.number(1) for m in evidence.messages(5)]
    origins.check(lot, records, stated, evidence.messages(7))

    chain, at = [], ends.get(lot)
    need(at is not None, "nothing is shown of the lot")
    last = at
    while at is not None:
        chain.insert(0, at)
        links = records[at].shown_links()
        at = next(previous for subject, kind, previous in links if subject == lot and kind == CHAIN)

    (genesis,) = records[0].events
    interval = max(2, genesis.message(GENESIS).number(4))
    due = range((last // interval + 1) * interval, size, interval)
    maps = evidence.messages(5)
    need([m.number(1) for m in maps] == list(due), "not one map for each state record since")
    proven = last + 1
    for number, proof in enumerate(maps):
        need(proof.number(1) in own, "a state record is not shown, or not the ledger's")
        record = records[proof.number(1)]
        stating = len(record.events) == 1 and record.events[0] and record.events[0].has(STATE_RECORDED)
        need(stating, "a state record says nothing of the state")
        said = record.events[0].message(STATE_RECORDED)
        found = last_in_map(proof, lot, said.bytes(2), said.number(3))
        need(found == (last if number == 0 else None), "a map says otherwise than the chain")
        proven = record.position + 1
    attested = None
    if proven < size or evidence.has(6):
        last_word(evidence.message(6), vkey, genesis_hash, (size, root), lot, last)
        attested = size
    return lot[1].hex(), chain, proven, attested


def last_word(word, vkey, genesis_hash, tree, lot, last):
    """The ledger's signed word on the lot's last record."""
    body, signature = word.bytes(1), word.message(2)
    kind = "application/vnd.hazledger.subject-head.v1+protobuf"
    need(signature.bytes(1) == key_id(vkey.key), "the last word is not the ledger's")
    signed(vkey.key, dsse(kind, body), signature.bytes(2), "the word on the lot's last record")
    said = Message(body)
    need(said.bytes(1) == genesis_hash, "the last word is of another ledger")
    need((said.number(2), said.bytes(3)) == tree, "the last word is of another tree")
    need(subject_of(said.message(4)) == lot, "the last word is of another lot")
    need(said.has(5) and said.number(5) == last, "the last word names another record")

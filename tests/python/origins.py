"""What the lots of evidence were made of, and what else its records rest on: gifts
from lot to lot, permits, facts that waited for a record, and documents; and that
nothing else is shown."""

from blake3 import blake3

from ledger import need

# Kinds of subjects, and of links.
LOT, KEY, PERMIT = 1, 9, 10
CHAIN, USE = 1, 2
# Fields of Event and of Change.
PERMIT_REGISTERED, PERMIT_STATED = 106, 112
LOT_BORN, CONTRIBUTED_TO, RESTATED, BLENDED, BIRTH_RESTATED = 2, 11, 13, 100, 130


def check(lot, records, stated, documents):
    """Of all records in order, once each by itself and its links are checked.
    `stated`: positions of the state records that have a map."""
    givers, facts = {}, set()
    for record in records.values():
        chained = {subject for subject, kind, _ in record.shown_links() if kind == CHAIN}
        outcomes = record.shown_outcomes()
        for subject in chained:
            if subject[0] == LOT:
                given = givers.setdefault(subject, set())
                check_givers(record, subject, given, chained, outcomes)
        check_permits(record, chained, outcomes)
        if lot in chained:
            facts |= check_facts(record, outcomes.get(lot, []), records)
    check_beside(lot, givers, records, {*stated, *facts})
    events = [event for record in records.values() for event in record.events if event]
    for document in documents:
        # Without the schema: the hash as it stands in an event.
        digest = blake3(document.bytes(1)).digest()
        named = any(digest in event.data for event in events)
        need(named, "a document is enclosed that no event names")


def gifts(changes, lot):
    """What changes of a lot give to another: messages `ContributedTo`."""
    for change in changes:
        given = change.messages(CONTRIBUTED_TO)
        if change.has(RESTATED):
            given += change.message(RESTATED).messages(6)
        yield from (gift for gift in given if gift.bytes(1) == lot[1])


def made_of(changes):
    """The lots whose matter changes say that there is in theirs, and whether it is a
    correction that says so."""
    corrections = [change.bytes(1) for change in changes if change.has(RESTATED)]
    for change in changes:
        lots = []
        for born in change.messages(LOT_BORN) + change.messages(BIRTH_RESTATED):
            lots += [parent.bytes(1) for parent in born.messages(8)] + [born.bytes(9)]
        for blended in change.messages(BLENDED):
            lots += [part.bytes(1) for part in blended.messages(1) if part.sint64(2) > 0]
        yield from ((lot, change.bytes(1) in corrections) for lot in lots if lot)


def check_givers(record, lot, given, chained, outcomes):
    """Whoever gives to a lot shows its own chain, and nobody else is in it."""
    where, now = f"record {record.position}", set()
    for other, changes in outcomes.items():
        if other[0] != LOT or other == lot:
            continue
        for gift in gifts(changes, lot):
            need(other in chained, f"{where}: the chain of a lot that gave is left out")
            now.add(other[1])
            now.update(part.bytes(1) for part in gift.messages(4))
    for parent, corrected in made_of(outcomes.get(lot, [])):
        gave = parent in now or corrected and parent in given
        need(gave, f"{where}: a lot has matter that nobody gave it")
    given |= now


def check_beside(lot, givers, records, positions):
    """No other lot's chain is shown, and no record that nothing rests on."""
    lots, waiting = {lot}, [lot]
    while waiting:
        made = {(LOT, giver) for giver in givers.get(waiting.pop(), ())} - lots
        lots |= made
        waiting += made
    need(all(other in lots for other in givers), "the chain of a lot is shown that gave nothing")
    chains = {}
    for position, record in records.items():
        for subject, kind, _ in record.shown_links():
            if kind == CHAIN:
                chains.setdefault(subject, set()).add(position)
    wanted, followed = {0}, set(lots)
    waiting = {*positions, *(at for other in lots for at in chains.get(other, ()))} - wanted
    while waiting:
        position = waiting.pop()
        wanted.add(position)
        for subject, kind, _ in records[position].shown_links():
            if (kind == USE or subject[0] in (KEY, PERMIT)) and subject not in followed:
                followed.add(subject)
                waiting |= chains.get(subject, set()) - wanted
    need(wanted == set(records), f"records {sorted(set(records) - wanted)} are here for nothing")


def check_permits(record, chained, outcomes):
    """Nothing about a permit is hidden where its chain goes on."""
    where = f"record {record.position}"
    for subject in outcomes:
        need(subject[0] != PERMIT or subject in chained, f"{where} changes a permit and hides its link")
    for subject, kind, previous in record.shown_links():
        if kind != CHAIN or subject[0] != PERMIT:
            continue
        about = {field for field in (PERMIT_REGISTERED, PERMIT_STATED) if tells_of(record, field, subject)}
        need(subject in outcomes or not record.may_hide(subject), f"{where} may hide a permit's outcome")
        need(subject in outcomes or about, f"{where} hides what became of a permit")
        need(previous is not None or PERMIT_REGISTERED in about, f"{where} hides where a permit is from")


def tells_of(record, field, permit):
    bodies = [event.message(field) for event in record.events if event and event.has(field)]
    return any(body.bytes(1) + b"/" + body.bytes(2) == permit[1] for body in bodies)


def check_facts(record, changes, records):
    """A fact of an earlier record that is booked now is shown there. Returns where
    these are."""
    found = set()
    for change in changes:
        cause = change.message(1)
        if not cause.has(2):
            continue
        parked, index = cause.number(2), cause.number(1)
        events = records[parked].events if parked in records and parked < record.position else []
        shown = index < len(events) and events[index] is not None
        need(shown, f"record {record.position} books a fact of record {parked} that is left out")
        found.add(parked)
    return found

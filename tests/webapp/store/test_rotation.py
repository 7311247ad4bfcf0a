"""`keys rotate` over every encrypted column, twice, beside other writers, and with the wrong key."""

import json
import threading

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken

from tests.support.rows import plain, row
from tests.webapp.store import twins
from webapp.extensions import db
from webapp.security.crypto import Cipher
from webapp.store import rotation
from webapp.store.base import Base
from webapp.store.rotation import encrypted_columns

NEW, OTHER = (Fernet.generate_key().decode() for _ in range(2))
PERSON = Base.metadata.tables["person"]
MANY = 260  # more than one batch


@pytest.fixture
def old(settings) -> str:
    return settings.encryption_keys[0]


@pytest.fixture
def filled(app):
    """Every encrypted column holds values under the old key; of people there are several batches."""
    twins.seed(twins.OURS)
    twins.seed(twins.THEIRS)
    people = [
        row(
            PERSON,
            hub_id=twins.OURS,
            connection_id=2,
            kind="contact",
            cliniko_id=str(number),
            display=f"person {number}",
        )
        for number in range(MANY)
    ]
    db.session.execute(PERSON.insert(), people)
    db.session.commit()
    return app


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()
    return lambda *args: runner.invoke(args=["keys", "rotate", *args])


def use(app, *keys: str) -> None:
    db.session.remove()
    app.extensions["cipher"] = Cipher(keys)


def raw() -> dict[str, list[bytes]]:
    """All stored tokens by column."""
    found = {}
    for column in encrypted_columns():
        value = sa.type_coerce(column.table.c[column.name], sa.LargeBinary)
        found[column.label] = [bytes(one) for one in db.session.scalars(sa.select(value).where(value.is_not(None)))]
    db.session.rollback()
    return found


def readable_with(key: str) -> dict[str, int]:
    """How many values of each column this key alone can read."""
    fernet = Fernet(key)
    counts = {}
    for label, tokens in raw().items():
        counts[label] = 0
        for token in tokens:
            try:
                fernet.decrypt(token)
            except InvalidToken:
                continue
            counts[label] += 1
    return counts


def test_every_column_comes_under_the_new_key(filled, run, old, engine):
    before = readable_with(old)
    assert all(before.values()) and set(before) == {column.label for column in encrypted_columns()}
    use(filled, NEW, old)
    result = run("--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"seen": sum(before.values()), "changed": sum(before.values())}
    assert readable_with(NEW) == before
    assert not any(readable_with(old).values())
    use(filled, NEW)
    for column in encrypted_columns():
        texts = set(db.session.scalars(sa.select(column.table.c[column.name])))
        assert texts <= {plain(column.table.c[column.name]), *seeded(column.label)}, column.label


def seeded(label: str) -> set[str | None]:
    table, name = label.split(".")
    given = {values.get(name) for values in twins.SEED[table]}
    return {*given, *({f"person {number}" for number in range(MANY)} if label == "person.display" else ())}


def test_a_second_run_changes_nothing(filled, run, old, engine):
    use(filled, NEW, old)
    first = json.loads(run("--json").stdout)
    stored = raw()
    assert json.loads(run("--json").stdout) == {"seen": first["seen"], "changed": 0}
    assert raw() == stored
    text = run().stdout
    assert f"{first['seen']} values checked, 0 re-encrypted" in text


def test_nothing_stored_is_nothing_to_do(app, run, old):
    use(app, NEW, old)
    assert json.loads(run("--json").stdout) == {"seen": 0, "changed": 0}


def test_a_run_that_was_stopped_goes_on(filled, run, old):
    use(filled, NEW, old)
    column = next(column for column in encrypted_columns() if column.label == "person.display")
    walk = rotation.rotate(column)
    assert next(walk) == (rotation.BATCH, rotation.BATCH)
    walk.close()
    assert readable_with(NEW)["person.display"] == rotation.BATCH
    result = json.loads(run("--json").stdout)
    assert result["changed"] == result["seen"] - rotation.BATCH


@pytest.mark.parametrize("writer_keys", ["new first", "old only"])
def test_what_others_write_meanwhile_is_kept(filled, run, old, engine, writer_keys):
    """A writer changes rows all the time; none of its values is replaced by one that was read before."""
    use(filled, NEW, old)
    keys = [NEW, old] if writer_keys == "new first" else [old]
    written: dict[str, str] = {}
    stop = threading.Event()
    ready = threading.Event()
    write = threading.Thread(target=_write, args=(filled, Cipher(keys), written, ready, stop))
    write.start()
    ready.wait(20)
    results = [run("--json") for _ in range(3)]
    while len(written) < 20 and len(results) < 30:
        results.append(run("--json"))
    stop.set()
    write.join(40)
    assert [result.exit_code for result in results] == [0, 0, 0], results[0].output
    stored = dict(
        db.session.execute(sa.select(PERSON.c.cliniko_id, PERSON.c.display).where(PERSON.c.kind == "contact")).all()
    )
    assert len(written) > 20, "the writer hardly wrote"
    assert {number: stored[number] for number in written} == written
    assert all(stored[str(number)] == f"person {number}" for number in range(MANY) if str(number) not in written)
    db.session.rollback()
    assert json.loads(run("--json").stdout)["seen"] == sum(map(len, raw().values()))
    use(filled, NEW)
    assert readable_with(NEW) == {label: len(tokens) for label, tokens in raw().items()}


def _write(app, cipher: Cipher, written: dict[str, str], ready: threading.Event, stop: threading.Event) -> None:
    """Changes every third person, over and over, as a process with these keys would."""
    with app.app_context():
        turn = 0
        while not stop.is_set() and turn < 400:
            number = str((turn * 3) % MANY)
            token = sa.type_coerce(cipher.encrypt(f"changed in turn {turn}"), sa.LargeBinary)
            same = (PERSON.c.kind == "contact") & (PERSON.c.cliniko_id == number)
            db.session.execute(PERSON.update().where(same).values(display=token))
            db.session.commit()
            written[number] = f"changed in turn {turn}"
            turn += 1
            ready.set()
        ready.set()
        db.session.remove()


def test_the_wrong_key_ends_in_one_clear_line_and_changes_nothing(filled, run, engine):
    stored = raw()
    use(filled, NEW, OTHER)
    for extra in ((), ("--json",)):
        result = run(*extra)
        assert result.exit_code == 1
        assert result.stderr.startswith("ENCRYPTION_KEYS has no key for a stored value: add the key")
        assert result.stderr.count("\n") == 1 and "Traceback" not in result.output
    assert json.loads(result.stdout)["error"].startswith("ENCRYPTION_KEYS")
    assert raw() == stored


def test_one_value_under_a_lost_key_is_told(filled, run, old):
    use(filled, OTHER)
    lost = sa.type_coerce(Cipher([OTHER]).encrypt("lost"), sa.LargeBinary)
    db.session.execute(PERSON.update().where(PERSON.c.cliniko_id == "250").values(display=lost))
    db.session.commit()
    use(filled, NEW, old)
    result = run()
    assert result.exit_code == 1 and result.stderr.startswith("ENCRYPTION_KEYS has no key")
    use(filled, NEW, old, OTHER)
    assert run().exit_code == 0
    assert not any(readable_with(old).values()) and not any(readable_with(OTHER).values())


def test_other_commands_name_the_missing_key_as_well(filled):
    use(filled, OTHER)
    result = filled.test_cli_runner().invoke(args=["accounts", "show", str(twins.OURS)])
    assert result.exit_code == 1
    assert result.stderr.startswith("ENCRYPTION_KEYS has no key") and result.stderr.count("\n") == 1

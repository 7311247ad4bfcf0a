from dataclasses import dataclass

import pytest

from jobs.mapping.owner import NoOwner, OwnerBook, OwnerChoice, choose_owner


@dataclass
class OwnerEntry:
    id: str
    email: str | None
    archived: bool = False


OWNERS = OwnerBook.of(
    [
        OwnerEntry("100", "Randy@Example.com"),
        OwnerEntry("20", "two@example.com"),
        OwnerEntry("3", "two@example.com"),
        OwnerEntry("40", "back@example.com", archived=True),
        OwnerEntry("41", "back@example.com"),
        OwnerEntry("50", "gone@example.com", archived=True),
        OwnerEntry("60", None),
        OwnerEntry("70", "", archived=True),
    ]
)


def practitioner(email, setting="practitioner", practitioner_id="9", by_hand=None):
    return choose_owner(
        setting, OWNERS, practitioner_id=practitioner_id, practitioner_email=email, practitioner_owners=by_hand
    )


@pytest.mark.parametrize(
    ("email", "by_hand", "owner", "reason"),
    [
        (" randy@example.COM", None, "100", None),
        ("two@example.com", None, "3", None),
        ("back@example.com", None, "41", None),
        ("gone@example.com", None, None, NoOwner.ARCHIVED),
        ("nobody@example.com", None, None, NoOwner.NO_OWNER_WITH_EMAIL),
        (None, None, None, NoOwner.EMAIL_UNKNOWN),
        (" ", None, None, NoOwner.EMAIL_UNKNOWN),
        ("randy@example.com", {"9": "60"}, "60", None),
        (None, {"9": "60"}, "60", None),
        ("randy@example.com", {"8": "60"}, "100", None),
        ("randy@example.com", {"9": "50"}, None, NoOwner.ARCHIVED),
        ("randy@example.com", {"9": "999"}, None, NoOwner.NOT_IN_HUBSPOT),
        ("randy@example.com", {"9": ""}, "100", None),
    ],
)
def test_by_practitioner(email, by_hand, owner, reason):
    assert practitioner(email, by_hand=by_hand) == OwnerChoice(owner, reason)


def test_without_a_practitioner():
    assert practitioner(None, practitioner_id=None) == OwnerChoice(None, NoOwner.NO_PRACTITIONER)


@pytest.mark.parametrize(
    ("contact", "owner", "reason"),
    [
        ("60", "60", None),
        ("", None, NoOwner.CONTACT_HAS_NONE),
        (None, None, NoOwner.CONTACT_UNKNOWN),
        ("50", None, NoOwner.ARCHIVED),
        ("999", None, NoOwner.NOT_IN_HUBSPOT),
    ],
)
def test_by_contact(contact, owner, reason):
    found = choose_owner(
        "contact",
        OWNERS,
        practitioner_id="9",
        practitioner_email="randy@example.com",
        contact_owner_id=contact,
    )
    assert found == OwnerChoice(owner, reason)


@pytest.mark.parametrize(
    ("setting", "owner", "reason"),
    [
        ("100", "100", None),
        ("50", None, NoOwner.ARCHIVED),
        ("999", None, NoOwner.NOT_IN_HUBSPOT),
        ("none", None, NoOwner.NOT_WANTED),
    ],
)
def test_one_owner_or_none(setting, owner, reason):
    assert practitioner("randy@example.com", setting) == OwnerChoice(owner, reason)


def test_an_archived_owner_is_never_chosen():
    archived = {"40", "50", "70"}
    addresses = ["back@example.com", "gone@example.com", "", None]
    for setting in ("practitioner", "contact", "none", *archived):
        for email in addresses:
            for by_hand in (None, *({"9": one} for one in archived)):
                for contact in (None, "", *archived):
                    found = choose_owner(
                        setting,
                        OWNERS,
                        practitioner_id="9",
                        practitioner_email=email,
                        practitioner_owners=by_hand,
                        contact_owner_id=contact,
                    )
                    assert found.owner_id not in archived
                    assert (found.owner_id is None) == (found.reason is not None)


@pytest.mark.parametrize(
    ("choice", "values"),
    [
        (OwnerChoice("3"), {"hubspot_owner_id": "3"}),
        (OwnerChoice(None, NoOwner.NO_PRACTITIONER), {"hubspot_owner_id": ""}),
        (OwnerChoice(None, NoOwner.NO_OWNER_WITH_EMAIL), {"hubspot_owner_id": ""}),
        (OwnerChoice(None, NoOwner.CONTACT_HAS_NONE), {"hubspot_owner_id": ""}),
        (OwnerChoice(None, NoOwner.NOT_WANTED), {}),
        (OwnerChoice(None, NoOwner.EMAIL_UNKNOWN), {}),
        (OwnerChoice(None, NoOwner.CONTACT_UNKNOWN), {}),
        (OwnerChoice(None, NoOwner.ARCHIVED), {}),
        (OwnerChoice(None, NoOwner.NOT_IN_HUBSPOT), {}),
    ],
)
def test_what_is_not_known_takes_nothing_away(choice, values):
    assert choice.values() == values


def test_an_account_without_owners():
    empty = OwnerBook.of([])
    assert choose_owner("practitioner", empty, practitioner_id="9", practitioner_email="a@example.com").owner_id is None
    assert choose_owner("100", empty).reason is NoOwner.NOT_IN_HUBSPOT

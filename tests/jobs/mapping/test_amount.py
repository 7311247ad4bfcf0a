from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.mapping.amount import PriceLine, PriceList, appointment_amount, line_amount, total
from webapp.clients.cliniko.decode import read
from webapp.clients.cliniko.records_deals import AppointmentTypeBillableItem, BillableItem, ConcessionPrice, Tax

from .makers_deals import link

PRICES = PriceList(
    items={
        "1": SimpleNamespace(price="100.0", tax_id="10"),
        "2": SimpleNamespace(price="33.33", tax_id=None),
        "3": SimpleNamespace(price="0.0", tax_id="10"),
        "4": SimpleNamespace(price=None, tax_id="10"),
        "5": SimpleNamespace(price="10.05", tax_id="lost"),
        "6": SimpleNamespace(price="-20.0", tax_id="10"),
    },
    tax_rates={"10": "10.0", "20": None},
    concession_prices={("1", "9"): "60.0", ("2", "9"): None, ("1", "8"): "0.0", ("4", "9"): "5"},
)


def item(billable_item_id="1", quantity="1.0", percent=None, cash=None, monetary=None):
    return SimpleNamespace(
        billable_item_id=billable_item_id,
        quantity=quantity,
        discount_percentage=percent,
        discounted_amount=cash,
        is_monetary_discount=monetary,
    )


def amount(*items, single=None, concession=None, inclusive=False):
    found = appointment_amount(
        items, single_item_id=single, concession_type_id=concession, prices=PRICES, prices_include_tax=inclusive
    )
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("items", "options", "expected"),
    [
        ([item()], {}, "110.00"),
        ([item()], {"inclusive": True}, "100.00"),
        ([item("2")], {}, "33.33"),
        ([item(), item("2")], {}, "143.33"),
        ([item("2", "3.0")], {}, "99.99"),
        ([item("2", "0.5")], {}, "16.67"),
        ([item(quantity=None)], {}, "110.00"),
        ([item(quantity="0")], {}, "0.00"),
        # A tax that cannot be read adds nothing.
        ([item("5")], {}, "10.05"),
        # Discounts.
        ([item(percent="10.0")], {}, "99.00"),
        ([item(percent=12.5, monetary=False)], {}, "96.25"),
        ([item(percent="100.0")], {}, "0.00"),
        ([item(percent="250")], {}, "0.00"),
        ([item(percent="-10")], {}, "110.00"),
        ([item(cash="20.0", monetary=True)], {}, "90.00"),
        ([item(cash="20.0", percent="18.1818", monetary=True)], {}, "90.00"),
        ([item(cash="20.0", percent="50", monetary=False)], {}, "55.00"),
        ([item(cash="20.0", percent="50")], {}, "55.00"),
        ([item(cash="20.0")], {}, "90.00"),
        ([item(percent="50", monetary=True)], {}, "55.00"),
        ([item(cash="20.0", monetary=False)], {}, "110.00"),
        ([item(cash="20.0", monetary=True)], {"inclusive": True}, "80.00"),
        ([item(cash="500", monetary=True)], {}, "0.00"),
        ([item(cash="-5", monetary=True)], {}, "110.00"),
        ([item("6", cash="500", monetary=True)], {}, "-22.00"),
        ([item(cash="500", monetary=True), item("2")], {}, "33.33"),
        # A price of nothing is a price.
        ([item("3")], {}, "0.00"),
        ([item("6")], {}, "-22.00"),
        # Concessions.
        ([item()], {"concession": "9"}, "66.00"),
        ([item()], {"concession": "8"}, "0.00"),
        ([item("2")], {"concession": "9"}, "33.33"),
        ([item()], {"concession": "7"}, "110.00"),
        ([item(percent="50")], {"concession": "9"}, "33.00"),
        ([item("4")], {"concession": "9"}, "5.50"),
        # No price, no amount.
        ([], {}, None),
        ([item("4")], {}, None),
        ([item("unknown")], {}, None),
        ([item(None)], {}, None),
        ([item(), item("4")], {}, None),
        ([item("4", percent="100")], {}, None),
        # The single link of older accounts.
        ([], {"single": "1"}, "110.00"),
        ([], {"single": "1", "concession": "9"}, "66.00"),
        ([], {"single": "unknown"}, None),
        ([item("2")], {"single": "1"}, "33.33"),
    ],
)
def test_amounts(items, options, expected):
    assert amount(*items, **options) == expected


@pytest.mark.parametrize(
    ("price", "rate", "expected"),
    [
        ("10.05", "10", "11.06"),  # 11.055
        ("0.05", "10", "0.06"),  # 0.055
        ("0.04", "10", "0.04"),  # 0.044
        ("-10.05", "10", "-11.06"),
        ("99.99", "17.5", "117.49"),  # 117.48825
        ("19.95", "0", "19.95"),
    ],
)
def test_half_a_cent_goes_up(price, rate, expected):
    line = PriceLine(Decimal(price), Decimal(rate))
    assert str(total([line], prices_include_tax=False)) == expected


def test_only_the_total_is_rounded():
    line = PriceLine(Decimal("0.004"))
    assert total([line, line, line], prices_include_tax=False) == Decimal("0.01")


def test_the_printed_invoice_item():
    """100.00 plus 10 %, less 20.00: 90.00, whichever of its two discount figures is used."""
    by_money = PriceLine(Decimal(100), Decimal(10), money_off=Decimal(20))
    by_percent = PriceLine(Decimal(100), Decimal(10), percent_off=Decimal("18.1818"))
    assert total([by_money], prices_include_tax=False) == total([by_percent], prices_include_tax=False) == 90


def test_the_price_list_as_cliniko_sends_it():
    price = read(BillableItem, {"id": 1, "price": "10.0", "item_type": "Service", "tax": link("taxes/1")})
    tax = read(Tax, {"id": "1", "amount": "10.0", "name": "GST", "rate": "10.0"})
    reduced = read(
        ConcessionPrice,
        {
            "id": "1",
            "price": 8,
            "billable_item": link("billable_items/1"),
            "concession_type": link("concession_types/220"),
        },
    )
    join = read(
        AppointmentTypeBillableItem,
        {"id": "1", "appointment_type": link("appointment_types/1"), "billable_item": link("billable_items/1"),
         "discount_percentage": None, "discounted_amount": None, "is_monetary_discount": None, "quantity": "2.0"},
    )  # fmt: skip
    prices = PriceList(
        {price.id: price},
        {tax.id: tax.rate},
        {(reduced.billable_item_id or "", reduced.concession_type_id or ""): reduced.price},
    )
    for concession, expected in ((None, "22.00"), ("220", "17.60")):
        found = appointment_amount(
            [join], single_item_id=None, concession_type_id=concession, prices=prices, prices_include_tax=False
        )
        assert str(found) == expected


PRICE = st.decimals(0, 4_000_000_000, places=2)
PERCENT = st.decimals(0, 100, places=4)
LINE = st.builds(PriceLine, PRICE, PERCENT, st.decimals(0, 1000, places=2), PERCENT, PRICE)


@given(PRICE, PERCENT)
def test_the_formula(price, rate):
    expected = price * rate / 100 + price
    found = total([PriceLine(price, rate)], prices_include_tax=False)
    assert abs(found - expected) <= Decimal("0.005")
    assert total([PriceLine(price, rate)], prices_include_tax=True) == price


@given(PRICE, PERCENT, st.decimals(0, 1000, places=2))
def test_a_full_discount_is_a_real_nothing(price, rate, quantity):
    line = PriceLine(price, rate, quantity, percent_off=Decimal(100))
    assert str(total([line], prices_include_tax=False)) == "0.00"


@given(LINE, st.booleans())
def test_a_discount_is_between_nothing_and_everything(line, inclusive):
    plain = PriceLine(line.price, line.rate, line.quantity)
    reduced, full = (line_amount(one, prices_include_tax=inclusive) for one in (line, plain))
    assert 0 <= reduced <= full


@given(st.lists(LINE, min_size=1, max_size=5), st.booleans())
def test_order_never_matters_and_the_sum_is_the_sum(lines, inclusive):
    found = total(lines, prices_include_tax=inclusive)
    assert found == total(reversed(lines), prices_include_tax=inclusive)
    assert found == found.quantize(Decimal("0.01"))
    each = [total([line], prices_include_tax=inclusive) for line in lines]
    assert abs(found - sum(each)) <= Decimal("0.005") * (len(lines) + 1)


@given(st.lists(LINE, max_size=4), st.booleans())
def test_one_unknown_price_makes_the_amount_unknown(lines, inclusive):
    assert total([*lines, PriceLine(None)], prices_include_tax=inclusive) is None


ANY = st.none() | st.text(max_size=8) | st.floats() | st.decimals() | st.integers()


@given(ANY, ANY, ANY, ANY, ANY, st.none() | st.booleans(), st.booleans())
def test_any_price_list_is_survived(price, rate, quantity, percent, cash, monetary, inclusive):
    prices = PriceList({"1": SimpleNamespace(price=price, tax_id="1")}, {"1": rate}, {})
    found = appointment_amount(
        [item("1", quantity, percent, cash, monetary)],
        single_item_id=None,
        concession_type_id="9",
        prices=prices,
        prices_include_tax=inclusive,
    )
    assert found is None or found.is_finite()

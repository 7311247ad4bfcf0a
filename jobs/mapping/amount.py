"""What an appointment is expected to cost, from the clinic's price list. An estimate: the invoice is the truth.

Where each rule comes from:
- `price × rate / 100 + price` is the product's formula for a price and its tax rate in per cent. Cliniko keeps prices
  without tax unless the account works tax inclusive, which its API does not say: hence `prices_include_tax`, with which
  the price already is the whole.
- An appointment type has any number of billable items with a quantity each (Cliniko's appointment type billable items;
  older accounts have a single link instead): they add up.
- A discount in per cent reduces price and tax alike. A monetary discount comes off the line with its tax: Cliniko's
  printed invoice item of 100.00 plus 10 % less 20.00 totals 90.00, which is 110 − 20. Where both figures are given (one
  is worked out from the other) `is_monetary_discount` says which one was entered.
- A concession price, where the patient has a concession type and the item has a price for it, replaces the price. A
  missing or null one leaves the ordinary price (Cliniko's concession prices are nullable); 0 is a price.
- Cliniko keeps fractions of a cent on its lines (81.818), so only the total is rounded, half a cent up.
- A price that is not known makes the amount unknown. Nothing (no amount) is shown rather than a number too low; a real
  0.00 comes only from a price of 0, a quantity of 0 or a full discount.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Protocol

from jobs.mapping.money import money, to_cents
from jobs.mapping.records_deals import Money

_HUNDRED = Decimal(100)
_ZERO = Decimal(0)
_PRECISION = 60  # digits: enough that nothing is rounded before the end


class TypeItem(Protocol):
    """One billable item of an appointment type."""

    @property
    def billable_item_id(self) -> str | None: ...
    @property
    def quantity(self) -> Money: ...
    @property
    def discount_percentage(self) -> Money: ...
    @property
    def discounted_amount(self) -> Money: ...
    @property
    def is_monetary_discount(self) -> bool | None: ...


class PricedItem(Protocol):
    """A billable item of the price list."""

    @property
    def price(self) -> Money: ...
    @property
    def tax_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class PriceList:
    """A clinic's prices: billable items by id, tax rates (per cent) by id, prices by (item, concession type)."""

    items: Mapping[str, PricedItem]
    tax_rates: Mapping[str, Money]
    concession_prices: Mapping[tuple[str, str], Money]


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One billable item as it is charged. `price` None: not known. `rate` and `percent` are per cent."""

    price: Decimal | None
    rate: Decimal = _ZERO
    quantity: Decimal = Decimal(1)
    percent_off: Decimal = _ZERO
    money_off: Decimal = _ZERO


def appointment_amount(
    type_items: Sequence[TypeItem],
    *,
    single_item_id: str | None,
    concession_type_id: str | None,
    prices: PriceList,
    prices_include_tax: bool,
) -> Decimal | None:
    """The expected amount of one appointment, or None. `single_item_id` is the old link of an appointment type and
    counts only where there are no items."""
    lines = [_line(item, concession_type_id, prices) for item in type_items]
    if not lines and single_item_id is not None:
        price, rate = _price(single_item_id, concession_type_id, prices)
        lines = [PriceLine(price, rate)]
    return total(lines, prices_include_tax=prices_include_tax)


def total(lines: Iterable[PriceLine], *, prices_include_tax: bool) -> Decimal | None:
    """The lines added up and rounded to the cent; None without lines or with a price that is not known."""
    with localcontext(prec=_PRECISION):
        amounts = [line_amount(line, prices_include_tax=prices_include_tax) for line in lines]
        known = [amount for amount in amounts if amount is not None]
        return to_cents(sum(known, _ZERO)) if known and len(known) == len(amounts) else None


def line_amount(line: PriceLine, *, prices_include_tax: bool) -> Decimal | None:
    """One line, not rounded. A discount never turns a charge into a credit, nor a credit into a charge."""
    if line.price is None:
        return None
    amount = line.price * line.quantity
    if not prices_include_tax:
        amount = amount * line.rate / _HUNDRED + amount
    if line.money_off:
        return max(amount - line.money_off, _ZERO) if amount > 0 else amount
    return amount - amount * min(max(line.percent_off, _ZERO), _HUNDRED) / _HUNDRED


def _line(item: TypeItem, concession_type_id: str | None, prices: PriceList) -> PriceLine:
    price, rate = _price(item.billable_item_id, concession_type_id, prices)
    quantity, percent, cash = money(item.quantity), money(item.discount_percentage), money(item.discounted_amount)
    monetary = item.is_monetary_discount
    if monetary is None:
        monetary = percent is None
    if monetary and cash is None:
        monetary = False
    return PriceLine(
        price,
        rate,
        Decimal(1) if quantity is None else quantity,
        _ZERO if monetary or percent is None else percent,
        max(cash, _ZERO) if monetary and cash is not None else _ZERO,
    )


def _price(item_id: str | None, concession_type_id: str | None, prices: PriceList) -> tuple[Decimal | None, Decimal]:
    """Price (None when not known) and tax rate. A tax that cannot be read adds nothing."""
    item = prices.items.get(item_id) if item_id is not None else None
    if item is None or item_id is None:
        return None, _ZERO
    reduced = money(prices.concession_prices.get((item_id, concession_type_id))) if concession_type_id else None
    rate = money(prices.tax_rates.get(item.tax_id)) if item.tax_id is not None else None
    return money(item.price) if reduced is None else reduced, rate or _ZERO

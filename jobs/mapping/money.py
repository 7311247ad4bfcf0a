"""Amounts of money: exact decimals, to the cent, half a cent away from zero."""

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

CENT = Decimal("0.01")
# Far beyond any price, so that a number which is none of these is a mistake and not an amount.
_LIMIT = Decimal("1e15")
_EXACT = Context(prec=60)


def money(value: object) -> Decimal | None:
    """The exact amount in a decimal text or number; None when blank, not a finite number, or absurdly large."""
    if value is None or isinstance(value, bool) or not isinstance(value, Decimal | str | int | float):
        return None
    text = str(value).strip()
    try:
        # An underscore would pass as a digit separator.
        amount = Decimal(text) if text.isascii() and "_" not in text else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and abs(amount) < _LIMIT else None


def to_cents(amount: Decimal) -> Decimal:
    """Rounded to the cent, halves away from zero; never minus zero."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP, context=_EXACT) + 0


def money_text(value: object) -> str:
    """`1234.50` as HubSpot stores a number; "" when there is no amount."""
    amount = money(value)
    return "" if amount is None else f"{to_cents(amount):f}"


def is_unusable(value: object) -> bool:
    """Something is there and it is not an amount."""
    return value is not None and str(value).strip() != "" and money(value) is None

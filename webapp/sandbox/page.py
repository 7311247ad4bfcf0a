"""The look of the sandbox's own pages, the same for both services, and small pieces that they share."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from markupsafe import Markup
from werkzeug.wrappers import Response

PER_PAGE = 100
_STYLE = Markup(
    ":root{color-scheme:light dark;--line:#8884;--accent:#1565c0}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;padding:0 1rem;max-width:66rem}"
    "h1{line-height:1.2}a{color:var(--accent)}table{border-collapse:collapse;width:100%}"
    "td,th{padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);"
    "font-variant-numeric:tabular-nums;overflow-wrap:break-word;max-width:16rem}td:last-child{max-width:26rem}"
    "td button{font-size:.875rem}form table{width:auto}form td:first-child{padding-right:2rem}"
    "input,select,button{font:inherit;padding:.25rem .5rem}form.inline{display:inline}nav a{margin-right:1rem}"
    ":focus-visible{outline:2px solid var(--accent);outline-offset:2px}[role=alert]:not(:empty){font-weight:600}"
    "@media(prefers-color-scheme:dark){:root{--accent:#8ab4f8}}"
    "@media(max-width:40rem){thead{display:none}tr,td,td:last-child{display:block;max-width:none}"
    "tr{padding:.5rem 0}td{border:0;padding:.1rem 0}}"
)


def frame(
    service: str,
    title: str,
    body: Markup,
    status: int = 200,
    menu: Iterable[tuple[str, str]] = (),
    head: Markup | None = None,
) -> Response:
    """A whole page; `menu` holds (address, text), `head` what the page needs beyond the common look."""
    links = join(Markup('<a href="{}">{}</a>').format(address, text) for address, text in menu)
    page = Markup(
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width"><title>{1} · {0}</title><style>{2}</style>{5}</head><body>'
        "<p><strong>{0}</strong></p>{3}<main><h1>{1}</h1>{4}</main></body></html>"
    ).format(service, title, _STYLE, Markup("<nav>{}</nav>").format(links) if links else "", body, head or "")
    return Response(page, status=status, content_type="text/html;charset=utf-8")


def join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def cells(values: Iterable[object]) -> Markup:
    return join(Markup("<td>{}</td>").format("" if value is None else value) for value in values)


def table(heads: Iterable[str], rows: Iterable[Markup]) -> Markup:
    head = join(Markup("<th scope=col>{}</th>").format(name) for name in heads)
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, join(rows))


def search_form(words: str) -> Markup:
    return Markup('<form><input name=q aria-label=Search value="{}"> <button>Search</button></form>').format(words)


def pager(words: str, number: int, found: int) -> Markup:
    """Links to the pages before and after page `number` of `found` rows."""
    link = Markup('<a href="?{}">{}</a> ')
    shown = [(number - 1, "Previous page")] if number > 1 else []
    if number * PER_PAGE < found:
        shown.append((number + 1, "Next page"))
    links = join(link.format(urlencode({"q": words, "page": to}), text) for to, text in shown)
    return Markup("<p>{}</p>").format(links) if links else Markup("")

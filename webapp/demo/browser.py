"""A person with a browser: opens pages, fills in forms as they stand on the page, presses their buttons."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

from webapp.demo.place import DemoFailed


@dataclass
class Form:
    """Where it goes, what it holds as delivered, and its buttons (name, value, label)."""

    action: str
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """What the browser shows: `problems` are the sentences that the page marks as such."""

    url: str
    status: int
    title: str
    forms: list[Form]
    problems: list[str]


class Browser:
    """Keeps its cookies and follows redirects, as browsers do."""

    def __init__(self) -> None:
        self._http = httpx.Client(follow_redirects=True, timeout=httpx.Timeout(60, connect=10))

    def open(self, url: str) -> Page:
        """Go to an address. Raises DemoFailed when the page says that something is wrong."""
        return self._shown(self._http.get(url))

    def press(self, page: Page, action: str, choice: str | None = None, **filled: str) -> Page:
        """Fill in and send the form that goes to the path `action`; `choice` is the value of the button pressed."""
        form = next((form for form in page.forms if urlsplit(form.action).path == action), None)
        if form is None:
            raise DemoFailed(f"The page “{page.title}” has no form for {action}.")
        pressed = {name: value for name, value, _ in form.buttons if name and (choice is None or value == choice)}
        if choice is not None and choice not in pressed.values():
            raise DemoFailed(f"The page “{page.title}” has no button “{choice}”.")
        data = {**form.fields, **pressed, **filled}
        return self._shown(self._http.request(form.method.upper(), form.action, data=data))

    def close(self) -> None:
        self._http.close()

    def _shown(self, response: httpx.Response) -> Page:
        reader = _Reader(str(response.url))
        reader.feed(response.text)
        reader.close()
        title = " ".join(reader.title.split())
        page = Page(str(response.url), response.status_code, title, reader.forms, reader.problems)
        if response.is_error:
            said = " ".join(page.problems) or " ".join(reader.text.split())[:300]
            raise DemoFailed(f"{urlsplit(page.url).path} answered {page.status} “{title}”. {said}")
        return page


class _Reader(HTMLParser):
    """Takes from a page its forms, its title and what it marks as a problem (role alert, or class problem)."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.title = self.text = ""
        self.forms: list[Form] = []
        self.problems: list[str] = []
        self._url = url
        self._form: Form | None = None
        self._select: str | None = None
        self._open: list[str] = []
        self._problem_depth = 0
        self._button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self._open.append(tag)
            if self._problem_depth or given.get("role") == "alert" or "problem" in given.get("class", "").split():
                self._problem_depth += 1
                if self._problem_depth == 1:
                    self.problems.append("")
        if tag == "form":
            self._form = Form(urljoin(self._url, given.get("action") or self._url), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form, name = self._form, given.get("name", "")
        assert form is not None  # called inside a form only
        if tag == "button" and "disabled" not in given:
            form.buttons.append((name, given.get("value", ""), ""))
            self._button = True
        elif tag == "input" and name and given.get("type") not in ("submit", "checkbox", "radio"):
            form.fields[name] = given.get("value", "")
        elif tag == "input" and name and "checked" in given:
            form.fields[name] = given.get("value", "on")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and (self._select not in form.fields or "selected" in given):
            form.fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "button":
            self._button = False
        while tag in self._open:
            if self._problem_depth:
                self._problem_depth -= 1
                if not self._problem_depth:
                    self.problems[-1] = " ".join(self.problems[-1].split())
            if self._open.pop() == tag:
                break

    def handle_data(self, data: str) -> None:
        if "title" in self._open:
            self.title += data
            return
        if "style" in self._open or "script" in self._open:
            return
        self.text += data
        if self._problem_depth:
            self.problems[-1] += data
        if self._button and self._form is not None:
            name, value, label = self._form.buttons[-1]
            self._form.buttons[-1] = (name, value, (label + data).strip())


_VOID = {"input", "br", "hr", "meta", "link", "img", "option", "base", "col", "source", "wbr"}

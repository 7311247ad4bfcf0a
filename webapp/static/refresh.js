// Replaces the part of a page that changes by itself. The part says in data-next after how many seconds to ask again.
(function () {
  "use strict";
  const box = document.querySelector("[data-refresh]");
  if (!box) return;

  function plan() {
    const inner = box.querySelector("[data-next]");
    if (inner) setTimeout(ask, Number(inner.dataset.next) * 1000);
  }

  // What a person is reading, typing or has opened must not be taken away under their hands.
  function inUse() {
    const active = document.activeElement;
    return (active && active !== document.body && box.contains(active)) || box.querySelector("details[open]") || document.hidden;
  }

  async function ask() {
    if (!inUse()) {
      try {
        const answer = await fetch(box.dataset.refresh, { headers: { "X-Fragment": "1" }, credentials: "same-origin" });
        if (answer.status === 401) return location.reload();
        if (answer.ok) box.innerHTML = await answer.text();
      } catch (error) {
        // The network may be away for a moment; the page shows its last state and asks again.
      }
    }
    plan();
  }

  plan();
})();

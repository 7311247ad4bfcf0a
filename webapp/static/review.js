// Presses what carries a key in data-key when that key is hit. Can be switched off, and never takes a key from a field.
(function () {
  "use strict";
  const STORE = "crmconnect-keys";
  const box = document.getElementById("keys");

  function stored() {
    try {
      return localStorage.getItem(STORE) !== "off";
    } catch (error) {
      return true;
    }
  }

  let on = stored();
  if (box) {
    box.checked = on;
    box.addEventListener("change", function () {
      on = box.checked;
      try {
        localStorage.setItem(STORE, on ? "on" : "off");
      } catch (error) {
        // It holds for this page, then.
      }
    });
  }

  document.addEventListener("keydown", function (event) {
    if (!on || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const inField = event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
    if (inField) return;
    const target = document.querySelector('[data-key="' + CSS.escape(event.key.toLowerCase()) + '"]');
    if (!target) return;
    event.preventDefault();
    target.click();
  });
})();

// One key for each answer. The keys can be turned off, and are silent while somebody types.
(() => {
  const STORED = "cinema-start-keys";
  const toggle = document.querySelector("[data-keys-toggle]");
  let on = true;
  try {
    on = localStorage.getItem(STORED) !== "off";
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  const show = () => { toggle.textContent = on ? toggle.dataset.on : toggle.dataset.off; };
  show();
  toggle.addEventListener("click", () => {
    on = !on;
    show();
    try {
      localStorage.setItem(STORED, on ? "on" : "off");
    } catch {
      // See above.
    }
  });

  document.addEventListener("keydown", (event) => {
    if (!on || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    const key = event.key.toLowerCase();
    if (!/^[1-5nu]$/.test(key)) return;
    const question = document.getElementById("question");
    // An answer that is on its way is one answer.
    if (question.querySelector(".htmx-request")) return;
    question.querySelector(`[data-key="${key}"]`)?.click();
  });
})();

// A table that somebody has scrolled stays where it is when the page of a search renews itself.
"use strict";

(() => {
  let scrolled = [];
  const tables = (root) => [...root.querySelectorAll(".scroll-x")];

  document.addEventListener("htmx:beforeSwap", (event) => {
    scrolled = tables(event.detail.target).map((one) => [one.getAttribute("aria-label"), one.scrollLeft, one.scrollTop]);
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const [label, left, top] of scrolled) {
      const table = tables(document).find((one) => one.getAttribute("aria-label") === label);
      table?.scrollTo({ left, top, behavior: "instant" });
    }
    scrolled = [];
  });
})();

// Loaded in <head> without defer, so that a chosen theme is there before the first paint.
"use strict";

(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // Theme: auto follows the system. Storage may be refused; then the choice lasts for the page.
  const themes = ["auto", "dark", "light"];
  let theme = "auto";
  try {
    theme = localStorage.getItem("theme") || "auto";
  } catch { /* refused */ }
  if (!themes.includes(theme)) theme = "auto";

  const showTheme = () => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    for (const name of document.querySelectorAll("[data-theme-name]")) name.textContent = theme;
  };
  showTheme();
  document.addEventListener("DOMContentLoaded", showTheme);

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try {
      localStorage.setItem("theme", theme);
    } catch { /* refused */ }
    showTheme();
  });

  // Rails scroll by their arrows; without a mouse or without JavaScript they scroll by themselves.
  document.addEventListener("click", (event) => {
    const arrow = event.target.closest("[data-scroll]");
    if (!arrow) return;
    const rail = document.getElementById(arrow.dataset.rail);
    const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    rail.scrollBy({ left: Number(arrow.dataset.scroll) * rail.clientWidth * 0.85, behavior: smooth ? "smooth" : "auto" });
  });

  // A star that is pressed counts at once; one that is stepped over by the keys waits for the next step.
  let pressed = null;
  document.addEventListener("pointerdown", (event) => { pressed = event.target; }, true);
  document.addEventListener("keydown", () => { pressed = null; }, true);
  document.addEventListener("change", (event) => {
    if (event.target !== pressed || !event.target.matches(".star-input input")) return;
    event.stopPropagation(); // or the waiting trigger would send it once more
    event.target.form.dispatchEvent(new CustomEvent("star-clicked"));
  }, true);

  // A page nobody looks at does not ask how the training goes.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.hasAttribute("data-poll")) event.preventDefault();
  });

  // An answer to what a later one has replaced comes too late.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.target.isConnected) event.detail.shouldSwap = false;
  });

  // What somebody unfolded stays unfolded when its fragment is replaced.
  let unfolded = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    unfolded = [...event.detail.target.querySelectorAll("details[id][open]")].map((details) => details.id);
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
    unfolded = [];
  });

  // A request that failed must not fail silently.
  const complain = (text) => {
    const place = document.getElementById("trouble");
    place.textContent = text;
    place.hidden = false;
  };
  document.addEventListener("htmx:sendError", () => complain("The site could not be reached. Nothing was saved. Try again."));
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.elt.hasAttribute("data-poll")) return; // it asks again by itself
    const status = event.detail.xhr.status;
    if (status === 403) complain("This page is out of date. Reload it and try again.");
    else if (status === 503) complain("The database is busy. Nothing was saved. Try again in a few seconds.");
    else complain("That did not work. Reload the page and try again.");
  });
  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.xhr.status < 400) document.getElementById("trouble").hidden = true;
  });
})();

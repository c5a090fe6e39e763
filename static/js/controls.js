// A slider says in words where it stands while it moves; the server tells the price a moment later.
"use strict";

document.addEventListener("input", (event) => {
  const slider = event.target.closest("input[type=range][data-words]");
  if (!slider) return;
  const words = slider.dataset.words.split("|");
  const text = words[Math.round((slider.value - slider.min) / slider.step)] || slider.value;
  slider.setAttribute("aria-valuetext", text);
  const shown = document.getElementById(`${slider.name}-words`);
  if (shown) shown.textContent = text;
});

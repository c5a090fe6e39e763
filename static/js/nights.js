"use strict";

// Copies the text of the field that a button names, and says so. Without JavaScript the field is there to be copied from.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // No clipboard outside of HTTPS: the older way copies what is selected.
    if (!document.execCommand("copy")) return;
  }
  document.getElementById("announcement").textContent = button.dataset.copied;
  const label = button.textContent;
  button.textContent = "✓";
  setTimeout(() => { button.textContent = label; }, 1500);
});

"use strict";

// What scrolls must be reachable with the keyboard.
document.addEventListener("DOMContentLoaded", () => {
  for (const part of document.querySelectorAll(".table-wrapper, div.highlight pre")) {
    part.tabIndex = 0;
  }
});

"use strict";

document.addEventListener("DOMContentLoaded", () => {
  // What scrolls must be reachable with the keyboard.
  for (const part of document.querySelectorAll(".table-wrapper, .cell_output, pre")) {
    part.tabIndex = 0;
  }
  // Sphinx gives the captions of the menu the role of a heading without a level.
  for (const caption of document.querySelectorAll(".caption[role=heading]")) {
    caption.setAttribute("aria-level", "2");
  }
});

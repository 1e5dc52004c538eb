"use strict";
// Before the first paint: the palette that was chosen last on this browser; dark where none was.
try {
  document.documentElement.dataset.bsTheme = localStorage.getItem("theme") === "light" ? "light" : "dark";
} catch (refused) {
  document.documentElement.dataset.bsTheme = "dark"; // storage is off in this browser
}

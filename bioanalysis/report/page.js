"use strict";
// Filters show themselves only where scripts run: without, every row stands there.
for (const section of document.querySelectorAll("section[data-filters]")) {
  const rows = [...section.querySelectorAll("tbody tr")];
  const told = section.querySelector("output");
  const chosen = [...section.querySelectorAll(".filter select")];
  const words = (row, place) => row.children[place].textContent.split(/; ?/);
  const apply = () => {
    const wanted = chosen.filter((one) => one.value !== "");
    let left = 0;
    for (const row of rows) {
      row.hidden = !wanted.every((one) => words(row, Number(one.dataset.place)).includes(one.value));
      left += row.hidden ? 0 : 1;
    }
    told.textContent = `${left} of ${rows.length} rows`;
  };
  chosen.forEach((one) => one.addEventListener("change", apply));
  section.querySelector(".filter").hidden = false;
}
// A folded table opens for whoever is sent to one of its rows, and on paper.
const open = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  if (target) target.scrollIntoView({block: "center"});
};
addEventListener("hashchange", open);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
open();

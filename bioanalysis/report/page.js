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
// An address such as #Tissue-concentrations?group=high&tissue=liver sets the filters of that section.
const narrow = (section, wanted) => {
  for (const label of section.querySelectorAll(".filter label")) {
    const select = label.querySelector("select"), word = wanted.get(label.firstChild.textContent.trim()) || "";
    select.value = [...select.options].some((one) => one.value === word) ? word : "";
    select.dispatchEvent(new Event("change"));
  }
};
// A folded table opens for whoever is sent to one of its rows, and on paper.
const open = () => {
  const [name, query] = location.hash.slice(1).split("?");
  const target = name && document.getElementById(decodeURIComponent(name));
  if (target && query) narrow(target, new URLSearchParams(query));
  if (target && target.hidden) narrow(target.closest("section"), new URLSearchParams());
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  if (target) target.scrollIntoView({block: target.tagName === "SECTION" ? "start" : "center"});
  if (target && query) target.querySelector(".filter").scrollIntoView({block: "start"});
};
addEventListener("hashchange", open);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
open();

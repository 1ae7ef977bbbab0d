"""What the HTML report looks like, and the script that it can do without."""

import hashlib
from base64 import b64encode

STYLE = """
:root { color-scheme: light dark; --line: #d0d4da; --soft: #f3f5f8; --flag: #a33a00;
  --page: #fff; --link: #0b57c2; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3b424c; --soft: #1d2229; --flag: #ff9a5c;
    --page: #13171c; --link: #8ab8ff; }
  body { color: #e4e7eb; }
}
body { background: var(--page); font: 16px/1.45 system-ui, sans-serif; max-width: 84rem;
  margin: 0 auto; padding: 1rem; }
a { color: var(--link); } .sums a { color: inherit; text-decoration: none; }
.sums a:hover, .sums a:focus { text-decoration: underline; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; overflow-wrap: anywhere; }
.sums { display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; list-style: none; }
.sums li { background: var(--soft); border: 1px solid var(--line); border-radius: .5rem;
  padding: .4rem .8rem; } .sums b { display: block; font-size: 1.15rem; }
.flag summary, .flag b { color: var(--flag); }
details { margin: .75rem 0; } summary { font-weight: 600; cursor: pointer; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th { white-space: nowrap; background: var(--page); }
thead th { position: sticky; top: 0; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
th:nth-child(4), th:nth-child(5), td:nth-child(4), td:nth-child(5) {
  text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
@media (max-width: 40rem) {
  thead { position: absolute; left: -9999px; } tr { display: block; padding: .4rem 0;
    border-bottom: 1px solid var(--line); }
  td { display: flex; gap: .8rem; border: 0; padding: .05rem 0; text-align: left !important; }
  td::before { flex: 0 0 6.5rem; opacity: .7; } td:nth-child(1) { font-weight: 600; }
  td:nth-child(2)::before { content: "before"; } td:nth-child(3)::before { content: "after"; }
  td:nth-child(4)::before { content: "size before"; }
  td:nth-child(5)::before { content: "size after"; }
  td:nth-child(6)::before { content: "component"; }
  td:empty { display: none; }
}
input { font: inherit; padding: .35rem .6rem; width: min(24rem, 100%); box-sizing: border-box; }
.sort { font: inherit; background: none; border: 0; padding: 0; color: inherit; cursor: pointer; }
[aria-sort=ascending] .sort::after { content: " \\25b2"; }
[aria-sort=descending] .sort::after { content: " \\25bc"; }
@media print {
  :root { color-scheme: light; --line: #bbb; --soft: #fff; --flag: #a33a00; --page: #fff; }
  body { color: #000; font-size: 10pt; max-width: none; padding: 0; } .filter { display: none; }
  thead th { position: static; } tr, .sums li { break-inside: avoid; }
  h2, summary { break-after: avoid; }
}
"""
# Filters and sorts the rows. The page says all that it has to say without it.
SCRIPT = """
const label = document.createElement("label"), box = document.createElement("input");
label.className = "filter"; label.append("Filter: ", box); box.type = "search";
(document.querySelector("nav") || document.querySelector("h1")).after(label);
const groups = [...document.querySelectorAll("details")];
box.addEventListener("input", () => {
  const wanted = box.value.toLowerCase();
  for (const group of groups) {
    let shown = 0;
    for (const row of group.querySelectorAll("tbody tr")) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      row.style.display = row.hidden ? "none" : "";
      shown += !row.hidden;
    }
    group.hidden = !shown;
  }
});
const units = ["B", "KiB", "MiB", "GiB", "TiB"];
function order(text) {
  const [number, unit] = text.split(" ");
  return units.includes(unit) ? parseFloat(number) * 1024 ** units.indexOf(unit) : -1;
}
for (const head of document.querySelectorAll("details th")) {
  const button = document.createElement("button");
  button.className = "sort"; button.type = "button"; button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const body = head.closest("table").tBodies[0], column = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const text = (row) => row.cells[column].textContent, sign = down ? -1 : 1;
    const size = column === 3 || column === 4;
    body.append(...[...body.rows].sort((a, b) => sign * (size
      ? order(text(a)) - order(text(b))
      : text(a).localeCompare(text(b), "en", {numeric: true}))));
  });
}
"""
_DIGEST = b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
# Nothing is fetched, and no script but this one runs, whatever a package is called.
POLICY = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_DIGEST}'"


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

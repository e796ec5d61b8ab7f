"use strict";
(() => {
  const root = document.documentElement;
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const make = (name, text, action) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (name === "button") {
      made.type = "button";
      made.addEventListener("click", action);
    }
    return made;
  };
  root.classList.add("js");

  // Dark or light: what the system says, until the reader chooses; the choice lives as long as the page.
  const theme = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const say = () => { theme.textContent = isDark() ? "Light" : "Dark"; theme.setAttribute("aria-label", isDark() ? "Light page" : "Dark page"); };
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; say(); });
  system.addEventListener("change", say);
  theme.hidden = false;
  say();

  // Sections fold; a link, and printing, open what they need.
  const folds = all("section > details");
  const fold = document.getElementById("fold");
  fold.hidden = false;
  fold.addEventListener("click", () => {
    const open = folds.some((one) => one.open);
    folds.forEach((one) => { one.open = !open; });
    fold.textContent = open ? "Unfold all" : "Fold all";
  });
  const reveal = (target) => {
    if (target && target.tagName === "SECTION") target.querySelector("details").open = true;
    for (let place = target; place; place = place.parentElement) if (place.tagName === "DETAILS") place.open = true;
  };
  let shut = [];
  addEventListener("beforeprint", () => { shut = folds.filter((one) => !one.open); shut.forEach((one) => { one.open = true; }); });
  addEventListener("afterprint", () => { shut.forEach((one) => { one.open = false; }); });

  // The navigation follows the reader.
  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  let wanted = null; // where a link led: the last sections cannot come to the top of the window
  const mark = () => {
    const first = wanted || [...links.keys()].find((id) => seen.has(id));
    if (!first) return;
    links.forEach((link, id) => { if (id === first) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current"); });
    const strip = links.get(first).closest("ol");
    if (strip.scrollWidth > strip.clientWidth) strip.scrollLeft = links.get(first).offsetLeft - strip.offsetLeft - 40;
  };
  const watch = new IntersectionObserver((entries) => {
    entries.forEach((entry) => { if (entry.isIntersecting) seen.add(entry.target.id); else seen.delete(entry.target.id); });
    mark();
  }, { rootMargin: "-15% 0px -70% 0px" });
  all("main > section").forEach((section) => watch.observe(section));
  let clicked = 0;
  links.forEach((link, id) => link.addEventListener("click", () => { wanted = id; clicked = performance.now(); mark(); }));
  addEventListener("scroll", () => { if (performance.now() - clicked > 800) wanted = null; }, { passive: true });

  // Tables: a click on a heading sorts, a button copies.
  const value = (cell) => {
    const text = cell.textContent.trim().replaceAll(",", "").replaceAll("−", "-");
    const found = text.match(/^[<>~]?\s*(-?\d+(\.\d+)?(e[-+]?\d+)?)/i);
    return found ? Number(found[1]) : text === "–" || text === "" ? -Infinity : text;
  };
  const compare = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);
  const sort = (table, column, heading) => {
    const down = heading.getAttribute("aria-sort") !== "descending";
    all("thead th", table).forEach((th) => th.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].map((row) => [value(row.cells[column]), row]);
    rows.sort((one, other) => (down ? -1 : 1) * compare(one[0], other[0]));
    table.tBodies[0].append(...rows.map((each) => each[1]));
  };
  const copy = (text, button) => {
    const done = (ok) => { button.textContent = ok ? "copied" : "not copied"; setTimeout(() => { button.textContent = "copy"; }, 1500); };
    const byHand = () => {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done(document.execCommand("copy"));
      area.remove();
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => done(true), byHand);
    else byHand();
  };
  const offer = (place, name, text) => {
    const tools = make("div", "");
    tools.className = "tools";
    const button = make("button", "copy", () => copy(text(), button));
    button.setAttribute("aria-label", "Copy " + name);
    tools.append(button);
    place.before(tools);
  };
  all("table").forEach((table) => {
    const rows = table.tBodies[0] ? table.tBodies[0].rows.length : 0;
    if (rows > 1 && table.tHead) {
      [...table.tHead.rows[0].cells].forEach((th, column) => {
        const button = make("button", th.textContent, () => sort(table, column, th));
        th.replaceChildren(button);
      });
    }
    offer(table.closest(".wide") || table, table.getAttribute("aria-label") || "the table", () =>
      [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()).join("\t")).join("\n"));
  });
  all("pre[data-copy]").forEach((pre) => offer(pre, "the text", () => pre.textContent));

  // One feature at a time, chosen in the list.
  const list = document.getElementById("feature-list");
  const choose = (id) => {
    const figure = document.getElementById(id);
    if (!figure) return;
    all(".feature.chosen").forEach((one) => one.classList.remove("chosen"));
    figure.classList.add("chosen");
    all("tbody tr", list).forEach((row) => {
      const link = row.querySelector("a");
      const own = link !== null && link.hash === "#" + id;
      row.classList.toggle("chosen", own);
      if (own) link.setAttribute("aria-current", "true"); else if (link) link.removeAttribute("aria-current");
    });
  };
  if (list) {
    list.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link) return;
      event.preventDefault();
      choose(link.hash.slice(1));
      if (innerWidth < 960) document.getElementById(link.hash.slice(1)).scrollIntoView();
    });
    const find = document.getElementById("find");
    find.addEventListener("input", () => {
      const text = find.value.toLowerCase();
      all("tbody tr", list).forEach((row) => {
        const link = row.querySelector("a");
        row.hidden = !(row.cells[0].textContent + " " + (link ? link.title : "")).toLowerCase().includes(text);
      });
    });
    find.addEventListener("keydown", (event) => {
      const link = list.querySelector("tbody tr:not([hidden]) a");
      if (event.key === "Enter" && link) choose(link.hash.slice(1));
    });
    const first = document.querySelector(".feature");
    if (first) choose(first.id);
  }

  // PNG from the figure that is on the page; without a script the link leads to the file beside the page.
  all("a[data-png]").forEach((link) => {
    link.hidden = false;
    link.addEventListener("click", (event) => {
      const drawing = link.closest("figure").querySelector("svg");
      const box = drawing.viewBox.baseVal;
      const image = new Image();
      event.preventDefault();
      image.addEventListener("load", () => {
        const sheet = document.createElement("canvas");
        const scale = 2400 / box.width;
        sheet.width = Math.round(box.width * scale);
        sheet.height = Math.round(box.height * scale);
        const pen = sheet.getContext("2d");
        pen.fillStyle = "#fff";
        pen.fillRect(0, 0, sheet.width, sheet.height);
        pen.drawImage(image, 0, 0, sheet.width, sheet.height);
        const away = document.createElement("a");
        away.download = link.download;
        away.href = sheet.toDataURL("image/png");
        away.click();
      });
      const own = drawing.cloneNode(true);
      own.setAttribute("xmlns", "http://www.w3.org/2000/svg");
      own.setAttribute("width", box.width);
      own.setAttribute("height", box.height);
      image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(own));
    });
  });

  // What scrolls can be reached with the keyboard.
  const reach = () => all(".wide, .paper, nav ol").forEach((one) => {
    if (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1) {
      one.tabIndex = 0;
      const label = one.querySelector("[aria-label]");
      if (one.tagName === "DIV") {
        one.setAttribute("role", "group");
        one.setAttribute("aria-label", label ? label.getAttribute("aria-label") : "scrolls");
      }
    } else one.removeAttribute("tabindex");
  });
  addEventListener("resize", reach);
  folds.forEach((one) => one.addEventListener("toggle", reach));
  reach();

  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    reveal(target);
    const feature = target.closest(".feature");
    if (feature) choose(feature.id);
    target.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  all('a[href^="#"]').forEach((link) => link.addEventListener("click", () => reveal(document.getElementById(link.hash.slice(1)))));
  if (location.hash) follow();
})();

// What the theme leaves out for people who use a keyboard or a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  // The captions in the list of pages are headings without a level.
  for (const caption of document.querySelectorAll('.caption[role="heading"]')) caption.setAttribute("aria-level", "2");
  for (const [place, name] of [[".sidebar-drawer", "All pages"], [".toc-drawer", "On this page"]]) {
    const drawer = document.querySelector(place);
    if (drawer) drawer.setAttribute("aria-label", name);
  }
  // The page of search results has no heading of the first level.
  const main = document.querySelector("[role=main]");
  if (main && !document.querySelector("h1")) {
    const heading = document.createElement("h1");
    heading.textContent = "Search";
    main.prepend(heading);
  }
  // What is broader than the page can be scrolled, and the keyboard must reach it.
  const reach = () => {
    for (const box of document.querySelectorAll("pre, .table-wrapper, .math-wrapper")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  reach();
  window.addEventListener("resize", reach);
});

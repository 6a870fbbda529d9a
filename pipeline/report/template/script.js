// Shows the description of a mark (its aria-label) on hover, touch and focus.
// Each panel is one Tab stop; the arrow keys move through its marks.
(() => {
  "use strict";
  const tip = document.getElementById("tip");
  const selector = '[role="img"][aria-label]';

  const show = (mark, x, y) => {
    tip.textContent = mark.getAttribute("aria-label");
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = Math.max(8, Math.min(x - box.width / 2, document.documentElement.clientWidth - box.width - 8));
    const above = y - box.height - 12;
    tip.style.left = `${left}px`;
    tip.style.top = `${above < 8 ? y + 18 : above}px`;
  };
  const hide = () => { tip.hidden = true; };

  for (const svg of document.querySelectorAll("figure svg")) {
    const marks = [...svg.querySelectorAll(selector)];
    marks.forEach((mark, at) => mark.setAttribute("tabindex", at ? "-1" : "0"));
    const point = (event) => {
      const mark = event.target.closest(selector);
      if (mark) show(mark, event.clientX, event.clientY); else hide();
    };
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
    svg.addEventListener("focusin", (event) => {
      const mark = event.target.closest(selector);
      if (!mark) return;
      const box = mark.getBoundingClientRect();
      show(mark, box.left + box.width / 2, box.top);
    });
    svg.addEventListener("focusout", hide);
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const from = marks.indexOf(document.activeElement);
      if (event.key === "Escape") hide();
      if (!step || from < 0) return;
      const to = marks[from + step];
      if (!to) return;
      event.preventDefault();
      marks[from].setAttribute("tabindex", "-1");
      to.setAttribute("tabindex", "0");
      to.focus();
    });
  }
  addEventListener("scroll", hide, { passive: true });
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  // Print everything unfolded.
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not([open])")) {
      one.open = true;
      one.dataset.printed = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const one of document.querySelectorAll("details[data-printed]")) {
      one.open = false;
      delete one.dataset.printed;
    }
  });
})();

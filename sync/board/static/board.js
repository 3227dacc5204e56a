// Load the page's content again every so many seconds, unless somebody is at work in it.
"use strict";

(function () {
  const seconds = Number(document.getElementById("main").dataset.refresh || 0);
  if (!seconds) return;

  function busy() {
    const active = document.activeElement;
    const inMain = active && active !== document.body && active.closest("main") && active.id !== "main";
    return document.hidden || inMain || String(document.getSelection()) !== "";
  }

  async function refresh() {
    if (busy()) return;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "manual" });
      if (!answer.ok) {
        if (answer.type === "opaqueredirect") location.reload(); // the log-in has expired
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of ["main", "footer"]) {
        if (busy()) return;
        document.querySelector(part).innerHTML = page.querySelector(part).innerHTML;
      }
    } catch (error) {
      // The network is away for a moment: the next time will do.
    }
  }

  setInterval(refresh, seconds * 1000);
})();

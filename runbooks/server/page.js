// Fetches the same page every two seconds and puts its <main> in place when it has changed.
"use strict";
const news = document.getElementById("news");
async function look() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = document.querySelector("main");
    const then = fresh.querySelector("main");
    const open = new Set([...now.querySelectorAll("details[open]")].map((one) => one.id));
    then.querySelectorAll("details").forEach((one) => { one.open = open.has(one.id); });
    if (then.innerHTML !== now.innerHTML && !now.contains(document.activeElement)) now.replaceWith(then);
    document.getElementById("head").textContent = fresh.getElementById("head").textContent;
    news.textContent = "";
  } catch (error) {
    news.textContent = "The server doesn't answer; this is what it said last.";
  }
}
setInterval(() => { if (!document.hidden) look(); }, 2000);

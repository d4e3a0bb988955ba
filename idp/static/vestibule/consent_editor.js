// The preview follows what is typed, a moment later. Without scripts the button does the same.
"use strict";
const form = document.getElementById("screen_form");
const frames = document.querySelectorAll(".views iframe");
let waiting = 0;
let latest = 0;
async function draw() {
  const mine = ++latest;
  const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form) });
  if (!answer.ok || answer.redirected || mine !== latest) return;
  const page = await answer.text();
  for (const frame of frames) frame.srcdoc = page;
}
function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(draw, 400);
}
form.addEventListener("input", soon);
form.addEventListener("change", soon);

// A button beside each identifier copies it; a menu closes by Escape, or when one clicks elsewhere.
"use strict";
const words = document.body.dataset;
for (const one of document.querySelectorAll("[data-copy-this], .readonly .identifier, .form-row.field-client_id .readonly, .form-row.field-identifier .readonly, .form-row.field-sub .readonly, .form-row.field-kid .readonly, #result_list .field-client_id, #result_list .field-identifier, #result_list .field-sub, input[readonly][id^=shown-]")) {
  const text = (one.dataset.copyThis || (one.value ?? one.textContent)).trim(); // a long one may be shown shortened
  if (!text || text === "-" || !navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = words.copy;
  button.setAttribute("aria-label", `${words.copy}: ${text.slice(0, 60)}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = words.copied;
    setTimeout(() => { button.textContent = words.copy; }, 2000);
  });
  if (one.tagName === "INPUT") one.after(button);
  else one.append(" ", button);
}
const menus = [...document.querySelectorAll("details.menu, details.filter")];
document.addEventListener("click", (event) => {
  for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus) {
    if (!menu.open) continue;
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
for (const one of document.querySelectorAll(".tasks > ul > li > [aria-current], .tabs [aria-current]")) one.scrollIntoView({ block: "nearest", inline: "center" });

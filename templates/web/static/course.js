// Orders the lessons of a course by dragging. Without it each has a number and a button.
const list = document.querySelector("[data-order]"), orderForm = document.getElementById("order-form");
if (list && orderForm) {
  let dragged = null;
  const order = () => [...list.children].map((one) => one.dataset.lesson).join(" ");
  const before = order();
  for (const item of list.children) item.draggable = true;
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("li");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.lesson);
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("li");
    if (!dragged || !over || over === dragged) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
  });
  list.addEventListener("drop", (event) => event.preventDefault());
  list.addEventListener("dragend", () => {
    dragged = null;
    if (order() === before) return;
    orderForm.elements.order.value = order();
    orderForm.submit();
  });
}

// Moves where a lesson of an article starts by dragging its heading. Without it there are buttons.
const cutForm = document.querySelector("form.cuts");
if (cutForm) {
  const used = ".block:not(.unused)", own = (action) => action?.split(":")[0] === "move";
  let dragged = null, over = null;
  const mark = (block) => { over?.classList.remove("drop"); over = block; over?.classList.add("drop"); };
  // Between the start of the lesson before and the start of the next one.
  const allowed = (block) => {
    const cuts = [...cutForm.querySelectorAll(".cut")], place = cuts.indexOf(dragged), first = cuts[place - 1].nextElementSibling;
    const follows = (one, other) => one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
    return follows(first, block) && (!cuts[place + 1] || follows(block, cuts[place + 1]));
  };
  for (const cut of cutForm.querySelectorAll("[data-cut]")) cut.draggable = true;
  cutForm.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-cut]");
    if (dragged) { event.dataTransfer.effectAllowed = "move"; event.dataTransfer.setData("text/plain", dragged.dataset.cut); }
  });
  cutForm.addEventListener("dragover", (event) => {
    const block = event.target.closest(used);
    if (!dragged || !block || !allowed(block)) return mark(null);
    event.preventDefault();
    mark(block);
  });
  cutForm.addEventListener("dragend", () => { dragged = null; mark(null); });
  cutForm.addEventListener("drop", (event) => {
    if (!dragged || !over || over.dataset.block === dragged.dataset.cut) return;
    event.preventDefault();
    const action = Object.assign(document.createElement("input"), { type: "hidden", name: "action", value: `move:${dragged.dataset.cut}:${over.dataset.block}` });
    cutForm.append(action);
    cutForm.submit();
  });
  // Stays where it was for the keyboard: the page is a new one after each move.
  cutForm.addEventListener("submit", (event) => {
    if (own(event.submitter?.value)) sessionStorage.setItem("moved", event.submitter.value);
  });
  const moved = sessionStorage.getItem("moved");
  sessionStorage.removeItem("moved");
  if (own(moved)) {
    const [, from, to] = moved.split(":").map(Number);
    const buttons = [...document.querySelectorAll(`[data-cut="${to}"] button`)];
    addEventListener("load", () => (to < from ? buttons[0] : buttons.at(-1))?.focus()); // the address has moved it before
  }
}

// Saves a part or a lesson of a course while somebody types. Without it the button saves.
const part = document.querySelector("form[data-autosave]");
if (part) {
  const told = document.getElementById("autosaved"), meanwhile = document.getElementById("edited-meanwhile");
  let waiting, busy = false, changed = false, stopped = false;
  const save = async () => {
    if (busy || stopped || !changed) return;
    busy = true;
    changed = false;
    // Whoever is no longer logged in is sent to the login page, which is not an answer.
    const answer = await fetch(part.dataset.autosave, { method: "POST", redirect: "error", body: new URLSearchParams(new FormData(part)) }).catch(() => null);
    busy = false;
    if (answer?.ok) {
      const revision = await answer.text();
      for (const seen of document.querySelectorAll("input[name=saved]")) seen.value = revision; // also of the form that discards it
      told.textContent = told.dataset.saved;
    } else if (answer?.status === 409) {
      stopped = true;
      meanwhile.hidden = false;
      meanwhile.scrollIntoView({ block: "center" });
    } else {
      changed = true;
      told.textContent = told.dataset.notSaved;
    }
    if (changed) wait(answer?.ok ? 1500 : 15000);
  };
  const wait = (milliseconds = 1500) => { clearTimeout(waiting); waiting = setTimeout(save, milliseconds); };
  part.addEventListener("input", (event) => { if (event.target.name === "shown") return; changed = true; told.textContent = ""; wait(); });
  part.addEventListener("submit", (event) => {
    clearTimeout(waiting);
    if (busy) { // its revision is about to change: go on once it has
      event.preventDefault();
      const button = event.submitter, again = setInterval(() => { if (!busy) { clearInterval(again); part.requestSubmit(button); } }, 50);
      return;
    }
    changed = false;
    stopped = true;
  });
  addEventListener("beforeunload", (event) => { if (changed || busy) event.preventDefault(); });
}

// Tells before the upload that a file is too large. Without it the server tells, once it has all arrived.
for (const file of document.querySelectorAll("input[type=file][data-most]")) {
  file.addEventListener("change", () => {
    file.setCustomValidity([...file.files].some((one) => one.size > Number(file.dataset.most)) ? file.dataset.tooLarge : "");
    file.reportValidity();
  });
}

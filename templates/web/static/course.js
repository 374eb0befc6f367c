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

// Saves a part of a course while somebody types. Without it the button saves.
const part = document.querySelector("form[data-autosave]");
if (part) {
  const told = document.getElementById("autosaved"), meanwhile = document.getElementById("edited-meanwhile");
  let waiting, busy = false, changed = false, stopped = false;
  const save = async () => {
    if (busy || stopped || !changed) return;
    busy = true;
    changed = false;
    const answer = await fetch(part.dataset.autosave, { method: "POST", body: new URLSearchParams(new FormData(part)) }).catch(() => null);
    busy = false;
    if (answer?.ok) {
      part.elements.saved.value = await answer.text();
      told.textContent = told.dataset.saved;
    } else if (answer?.status === 409) {
      stopped = true;
      meanwhile.hidden = false;
      meanwhile.scrollIntoView({ block: "center" });
    } else changed = true;
    if (changed) wait();
  };
  const wait = () => { clearTimeout(waiting); waiting = setTimeout(save, 1500); };
  part.addEventListener("input", () => { changed = true; told.textContent = ""; wait(); });
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

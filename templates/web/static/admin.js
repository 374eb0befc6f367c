// Counts an audience while it is put together. Without it the count comes with the next step.
const form = document.querySelector("form[data-count]");
if (form) {
  const place = document.getElementById("count");
  let waiting, asked = 0;
  const count = async () => {
    const mine = ++asked;
    const answer = await fetch(form.dataset.count, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.ok && mine === asked) place.innerHTML = await answer.text();
  };
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(count, 400); });
  count();
}

// Shows the mail and what is wrong with it while a lesson is written. Without it the mail comes with a press on "show".
const desk = document.querySelector("form[data-desk]");
if (desk) {
  const shelf = document.getElementById("preview"), found = document.getElementById("checks");
  let waiting, asked = 0;
  const look = () => desk.elements.look.value;
  const show = () => {
    // A frame of its own each time: a second page in the same one would be a step for the browser's back button.
    const mine = ++asked, frame = shelf.querySelector(".mail:not(.next)").cloneNode();
    frame.name = `preview-${mine}`;
    frame.className = `mail next ${look() === "phone" ? "phone" : ""}`;
    shelf.append(frame);
    const send = (action, target) => { desk.setAttribute("action", action); desk.target = target; }; // its buttons are called action, too
    send(`${desk.dataset.desk}/preview`, frame.name);
    desk.submit();
    send(desk.dataset.desk, "");
    frame.addEventListener("load", () => {
      if (mine !== asked) return frame.remove();
      for (const old of shelf.querySelectorAll(".mail")) if (old !== frame) old.remove();
      frame.classList.remove("next");
    });
  };
  const check = async () => {
    const mine = asked;
    const answer = await fetch(`${desk.dataset.desk}/checks`, { method: "POST", body: new URLSearchParams(new FormData(desk)) });
    if (answer.ok && mine === asked) found.innerHTML = await answer.text();
  };
  document.addEventListener("input", (event) => {
    if (event.target.form !== desk) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => { show(); check(); }, 500);
  });
  // What is wrong may stand in the tab of another language, or folded.
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#checks, .problems")) return;
    const where = event.target.closest("a")?.hash.slice(1), field = where && document.getElementById(where);
    if (!field) return;
    const tab = document.getElementById(`shown-${where.slice(2).split(".")[0]}`);
    if (tab) tab.checked = true;
    field.closest("details")?.setAttribute("open", "");
    event.preventDefault();
    field.focus();
  });
  show();
}

// Counts the characters of a field while they are typed. Without it the number is that of the saved text.
for (const counter of document.querySelectorAll("[data-counter]")) {
  const field = document.getElementById(counter.dataset.counter), shown = counter.querySelector("b");
  field.addEventListener("input", () => {
    const length = [...field.value].length;
    shown.textContent = length;
    counter.classList.toggle("wrong", length > Number(counter.dataset.most));
  });
}

// Brings the figures of a running campaign up to date, a few at a time. Without it they are those of the page's request.
const figures = document.querySelector("[data-refresh]");
if (figures?.id) {
  let rounds = 0;
  const refresh = async () => {
    if (document.hidden || figures.contains(document.activeElement)) return;
    const answer = await fetch(location.href);
    if (!answer.ok || answer.redirected) return clearInterval(timer);
    const anew = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(figures.id);
    if (anew) figures.innerHTML = anew.innerHTML;
    if (!anew || !("refresh" in anew.dataset) || ++rounds > 120) clearInterval(timer);
  };
  const timer = setInterval(refresh, 5000);
}

// Looks again while a job is at work.
if (document.querySelector("[data-reload]")) setTimeout(() => location.reload(), 2000);

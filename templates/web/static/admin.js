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

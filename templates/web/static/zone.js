// Proposes the time zone of the browser, and keeps what is said of folded fields true. The form works without it, and
// whatever is proposed can be changed.
const select = document.querySelector("select[name=zone]");
const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
const sayZone = () => (document.querySelector("[data-zone]").textContent = select.selectedOptions[0].label);
if (select && "guess" in select.dataset) {
  const isGuess = (one) => one.value === guess || (one.dataset.also ?? "").split(" ").includes(guess);
  const found = [...select.options].find(isGuess);
  if (found) {
    select.value = found.value;
    sayZone();
  } else {
    for (let one = select.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
  }
}
select?.addEventListener("change", sayZone);
const applies = document.querySelector(".applies");
applies?.closest("details").addEventListener("change", () => (applies.textContent = applies.dataset.changed));

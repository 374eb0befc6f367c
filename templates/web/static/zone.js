// Proposes the time zone of the browser. The form works without it, and whatever is proposed can be changed.
const select = document.querySelector("select[data-guess]");
const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (select && [...select.options].some((option) => option.value === guess)) {
  select.value = guess;
}

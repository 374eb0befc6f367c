// Shows chosen colours on the page at once. Without it they show after saving.
const site = document.getElementById("site");
site?.addEventListener("input", (event) => {
  const { name, type, value } = event.target;
  if (type === "color") document.documentElement.style.setProperty(`--${name}`, value);
});

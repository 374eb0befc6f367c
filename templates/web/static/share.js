// Offers the browser's own way to share an address, or copies it. Without this script the address is simply there to read.
const section = document.querySelector("[data-share]");
const button = section.querySelector("button");
const share = { url: section.dataset.share, title: section.dataset.title };
if (navigator.share || navigator.clipboard) button.hidden = false;
button.addEventListener("click", async () => {
  if (navigator.share) {
    await navigator.share(share).catch(() => {});
  } else {
    await navigator.clipboard.writeText(share.url);
    button.textContent = button.dataset.done;
  }
});

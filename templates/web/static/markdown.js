// Writes Markdown for people who don't know it: buttons, keys, pictures, and paste from Word or a page. The text box stays the truth.
for (const bar of document.querySelectorAll(".toolbar")) {
  const box = document.getElementById(bar.dataset.box);
  if (!box) continue;
  bar.hidden = false;
  // Inserted as if it was typed, so that undo works.
  const insert = (text) => { box.focus(); if (!document.execCommand("insertText", false, text)) box.setRangeText(text, box.selectionStart, box.selectionEnd, "end"); };
  const chosen = () => box.value.slice(box.selectionStart, box.selectionEnd);
  const around = (mark) => {
    const text = chosen(), start = box.selectionStart;
    insert(`${mark}${text}${mark}`);
    if (!text) box.setSelectionRange(start + mark.length, start + mark.length);
  };
  const before = (mark) => {
    const start = box.value.lastIndexOf("\n", box.selectionStart - 1) + 1, end = box.selectionEnd;
    box.setSelectionRange(start, end);
    const lines = box.value.slice(start, end).split("\n");
    const all = lines.every((line) => line.startsWith(mark));
    insert(lines.map((line) => all ? line.slice(mark.length) : mark + line).join("\n"));
  };
  const link = () => {
    const address = prompt(bar.dataset.address, "https://");
    if (address && /^(https?:\/\/|mailto:)\S+$/.test(address)) insert(`[${chosen() || address}](${address.replace(/[()]/g, encodeURIComponent)})`);
  };
  // A picture stands in a paragraph of its own, with what it shows. One at a time, as each asks for that.
  const upload = async (files) => {
    for (const file of [...files].filter((one) => one.type.startsWith("image/"))) {
      const body = new FormData();
      body.append("form", box.form.elements.form.value);
      body.append("answer", "address");
      body.append("file", file);
      bar.classList.add("busy");
      const answer = await fetch("/admin/pictures", { method: "POST", redirect: "error", body }).catch(() => null);
      bar.classList.remove("busy");
      if (!answer?.ok) return alert(answer?.headers.get("content-type")?.startsWith("text/plain") ? await answer.text() : bar.dataset.notUploaded);
      const address = await answer.text(), shows = (prompt(bar.dataset.pictureShows) ?? "").replace(/[[\]\\\n]/g, " ").trim();
      insert(`\n\n![${shows}](${address}${shows ? "" : ' "decorative"'})\n\n`);
    }
  };
  const choose = () => {
    const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/jpeg,image/png,image/webp,image/gif" });
    input.addEventListener("change", () => upload(input.files));
    input.click();
  };
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.around) around(button.dataset.around);
    else if (button.dataset.before) before(button.dataset.before);
    else if ("picture" in button.dataset) choose();
    else link();
  });
  bar.querySelector("select").addEventListener("change", (event) => { if (event.target.value) insert(event.target.value); event.target.value = ""; });
  box.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const act = { b: () => around("**"), i: () => around("*"), k: link }[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(); }
  });
  box.addEventListener("dragover", (event) => { if (event.dataTransfer.types.includes("Files")) event.preventDefault(); });
  box.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    upload(event.dataTransfer.files);
  });
  box.addEventListener("paste", async (event) => {
    if (event.clipboardData.files.length && !event.clipboardData.types.includes("text/html")) {
      event.preventDefault();
      return upload(event.clipboardData.files);
    }
    const html = event.clipboardData.getData("text/html"), plain = event.clipboardData.getData("text/plain");
    if (!html) return;
    event.preventDefault();
    const body = new URLSearchParams({ form: box.form.elements.form.value, html });
    const answer = await fetch("/admin/paste", { method: "POST", redirect: "error", body }).catch(() => null);
    if (answer && answer.status >= 400 && answer.status < 500) return alert(bar.dataset.tooLarge);
    insert(answer?.ok ? await answer.text() : plain);
  });
}

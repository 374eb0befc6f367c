// Lets the browser make or ask for a passkey. Its answer goes with the form; without passkeys the form stays hidden.
const form = document.querySelector("form[data-passkey]");
if (form && window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const begun = await fetch(form.dataset.begin, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    let answer = "";
    if (!begun.ok) answer = await begun.text();
    else try {
      const options = await begun.json();
      const made = form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      answer = JSON.stringify(made.toJSON());
    } catch { /* whoever changed their mind gets the page that says so */ }
    form.elements.answer.value = answer;
    if (form.elements.old) form.elements.old.value = "";
    form.submit();
  });
}

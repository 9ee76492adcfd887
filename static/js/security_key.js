// Security keys: asks the server for the options, the browser for an answer, and sends it with the form around the button.
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const descriptors = (found = []) => found.map((one) => ({ ...one, id: toBytes(one.id) }));

async function enrolled(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      user: { ...options.user, id: toBytes(options.user.id) },
      excludeCredentials: descriptors(options.excludeCredentials),
    },
  });
  return {
    id: made.id, rawId: toText(made.rawId), type: made.type,
    response: {
      clientDataJSON: toText(made.response.clientDataJSON),
      attestationObject: toText(made.response.attestationObject),
    },
  };
}

async function signed(options) {
  const made = await navigator.credentials.get({
    publicKey: { ...options, challenge: toBytes(options.challenge), allowCredentials: descriptors(options.allowCredentials) },
  });
  return {
    id: made.id, rawId: toText(made.rawId), type: made.type,
    response: {
      clientDataJSON: toText(made.response.clientDataJSON),
      authenticatorData: toText(made.response.authenticatorData),
      signature: toText(made.response.signature),
    },
  };
}

async function answer(place, form) {
  const asked = new FormData();
  asked.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  asked.set("for", place.dataset.keyForm);
  asked.set("purpose", place.dataset.keyPurpose ?? "");
  asked.set("content_hash", place.dataset.keyContent ?? "");
  const told = await fetch(place.dataset.keyOptions, { method: "POST", body: asked });
  const options = await told.json();
  if (!told.ok) throw new Error(options.message);
  return place.dataset.keyForm === "enrol" ? enrolled(options) : signed(options);
}

for (const place of document.querySelectorAll("[data-key-form]")) {
  const button = place.querySelector("[data-key-button]");
  const problem = place.querySelector("[data-key-problem]");
  const form = place.closest("form");
  if (!button || !form || !window.PublicKeyCredential) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    problem.hidden = true;
    button.disabled = true;
    try {
      place.querySelector("[name=assertion]").value = JSON.stringify(await answer(place, form));
      // Where there is one way on it is taken; where there are more (approve, reject), the person chooses.
      const ways = [...form.querySelectorAll("button")].filter((one) => one.type === "submit");
      if (ways.length < 2) form.requestSubmit(ways[0]);
      else button.textContent = place.dataset.keySigned ?? button.textContent;
    } catch (error) {
      problem.textContent = error instanceof DOMException || !error.message ? place.dataset.keyFailed : error.message;
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}

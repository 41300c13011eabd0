// Keeps what is being written on this device until it is sent, and counts its characters.
// The forms do without it. Drafts go when they were sent and when one signs out: on a shared
// computer they would tell who writes here.
"use strict";
(() => {
  const PREFIX = "draft:";
  const SENT = "draft-sent";
  const DAY = 24 * 60 * 60 * 1000;
  const KEPT_DAYS = 7;

  let storage;
  try {
    storage = window.localStorage;
  } catch {
    storage = null; // Blocked by the browser's settings: then nothing is kept.
  }

  const keys = () => Object.keys(storage).filter((key) => key.startsWith(PREFIX));

  const read = (key) => {
    try {
      const draft = JSON.parse(storage.getItem(key));
      return draft && Date.now() - draft.time < KEPT_DAYS * DAY ? draft : null;
    } catch {
      return null;
    }
  };

  const forgetWhatIsDone = () => {
    const done = document.querySelector("[data-done]");
    if (!done) return;
    const signedOut = ["signed_out", "account_deleted"].includes(done.dataset.done);
    const sent = storage.getItem(SENT);
    for (const key of keys()) if (signedOut || key === sent) storage.removeItem(key);
    storage.removeItem(SENT);
  };

  const keepDraft = (form) => {
    const key = PREFIX + form.dataset.draft;
    const fields = [...form.querySelectorAll("input:not([type=hidden]), textarea")];
    const texts = () => fields.filter((field) => field.type !== "radio");
    const values = () => fields.map((field) => (field.type === "radio" ? field.checked : field.value));
    const initial = JSON.stringify(values());

    const save = () => {
      if (texts().every((field) => field.value.trim() === "")) return storage.removeItem(key);
      try {
        storage.setItem(key, JSON.stringify({ time: Date.now(), values: values() }));
      } catch {
        // The storage is full; the form itself still works.
      }
    };

    const offer = form.querySelector("[data-draft-offer]");
    const draft = read(key);
    const fits = draft && Array.isArray(draft.values) && draft.values.length === fields.length;
    if (!fits) storage.removeItem(key);
    // After a mistake the form came back with the newer text.
    if (fits && !("failed" in form.dataset) && JSON.stringify(draft.values) !== initial) {
      offer.hidden = false;
      offer.querySelector("[data-draft-restore]").addEventListener("click", () => {
        fields.forEach((field, index) => {
          if (field.type === "radio") field.checked = draft.values[index];
          else field.value = draft.values[index];
          field.dispatchEvent(new Event("input", { bubbles: true }));
        });
        offer.hidden = true;
        texts()[0].focus();
      });
      offer.querySelector("[data-draft-discard]").addEventListener("click", () => {
        storage.removeItem(key);
        offer.hidden = true;
      });
    }

    form.addEventListener("input", save);
    form.addEventListener("submit", () => storage.setItem(SENT, key));
  };

  const count = (area) => {
    const counter = document.createElement("span");
    counter.className = "counter";
    counter.setAttribute("aria-hidden", "true"); // The limit is in the hint, read once.
    const limit = Number(area.dataset.limit);
    const show = () => {
      const length = [...area.value.trim().normalize("NFC")].length;
      counter.textContent = `${length.toLocaleString()} / ${limit.toLocaleString()} ${area.dataset.unit}`;
      counter.classList.toggle("over", length > limit);
    };
    area.addEventListener("input", show);
    area.after(counter);
    show();
  };

  if (storage) {
    forgetWhatIsDone();
    for (const form of document.querySelectorAll("form[data-draft]")) keepDraft(form);
  }
  for (const area of document.querySelectorAll("textarea[data-limit]")) count(area);
})();

// Keeps what is being written on this device until it is sent. The forms do without it. Drafts go
// when they were sent and when one signs out: on a shared computer they would tell who writes here.

const PREFIX = 'draft:';
const SENT = 'draft-sent';
const DAY = 24 * 60 * 60 * 1000;
const KEPT_DAYS = 7;

function available() {
  try {
    return window.localStorage;
  } catch {
    return null; // Blocked by the browser's settings: then nothing is kept.
  }
}

const storage = available();

const keys = () => Object.keys(storage).filter((key) => key.startsWith(PREFIX));

function read(key) {
  try {
    const draft = JSON.parse(storage.getItem(key));
    return draft && Date.now() - draft.time < KEPT_DAYS * DAY ? draft : null;
  } catch {
    return null;
  }
}

/** Takes away the draft that the last page sent, and all of them after signing out. */
export function forgetWhatIsDone() {
  const done = document.querySelector('[data-done]');
  if (!storage || !done) return;
  const signedOut = ['signed_out', 'account_deleted'].includes(done.dataset.done);
  const sent = storage.getItem(SENT);
  for (const key of keys()) if (signedOut || key === sent) storage.removeItem(key);
  storage.removeItem(SENT);
}

export const forgetDraft = (form) => storage?.removeItem(PREFIX + form.dataset.draft);

/** For a form that leaves the page: what becomes of it is known on the next one. */
export function forgetOnceSent(form) {
  form.addEventListener('submit', () => storage?.setItem(SENT, PREFIX + form.dataset.draft));
}

/** Keeps the draft of a form with `data-draft`, and offers an older one of the same name. */
export function keepDraft(form) {
  if (!storage) return;
  const key = PREFIX + form.dataset.draft;
  const fields = [...form.querySelectorAll('input:not([type=hidden]), textarea')];
  const texts = () => fields.filter((field) => field.type !== 'radio');
  const values = () => fields.map((field) => (field.type === 'radio' ? field.checked : field.value));
  const initial = JSON.stringify(values());

  const save = () => {
    if (texts().every((field) => field.value.trim() === '')) return storage.removeItem(key);
    try {
      storage.setItem(key, JSON.stringify({ time: Date.now(), values: values() }));
    } catch {
      // The storage is full; the form itself still works.
    }
  };

  const restore = (draft) => {
    fields.forEach((field, index) => {
      if (field.type === 'radio') field.checked = draft.values[index];
      else field.value = draft.values[index];
      field.dispatchEvent(new Event('input', { bubbles: true }));
    });
    texts()[0].focus();
  };

  const offer = form.querySelector('[data-draft-offer]');
  const draft = read(key);
  const fits = draft && Array.isArray(draft.values) && draft.values.length === fields.length;
  if (!fits) storage.removeItem(key);
  // After a mistake the form came back with the newer text.
  if (fits && !('failed' in form.dataset) && JSON.stringify(draft.values) !== initial) {
    offer.hidden = false;
    offer.querySelector('[data-draft-restore]').addEventListener('click', () => {
      restore(draft);
      offer.hidden = true;
    });
    offer.querySelector('[data-draft-discard]').addEventListener('click', () => {
      storage.removeItem(key);
      offer.hidden = true;
    });
  }
  form.addEventListener('input', save);
}

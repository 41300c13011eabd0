// The recovery secret: kept, shown, restored, taken away.

import { clearMistakes, showMistakes } from './mistakes.js';
import { fill, messagesOf, show } from './page.js';
import { passPage } from './pass-page.js';
import * as storage from './storage.js';
import { fromFile, fromWords, toFile, toWords } from './words.js';

/** A file of ours is below one kilobyte. */
const MAX_FILE_BYTES = 64 * 1024;

export function secretPage(root) {
  if (!storage.isAvailable()) return show(root, 'no-storage');
  const messages = messagesOf(root);
  const announcement = root.querySelector('[data-announcement]');
  const restoring = root.querySelector('[data-restore]');
  const restoreForm = root.querySelector('[data-restore-words]');
  const [words, file] = [root.querySelector('#recovery-words'), root.querySelector('#recovery-file')];
  const [wordsButton, wordsBox] = [root.querySelector('[data-show-words]'), root.querySelector('#words')];

  const refresh = () => {
    show(root, storage.secret() ? 'present' : 'none');
    restoring.hidden = false;
    hideWords();
    const pass = root.querySelector('[data-pass]');
    // Its own states are not those of this page.
    if (pass && storage.secret()) passPage(pass);
  };

  const say = (what) => {
    for (const element of announcement.children) element.hidden = element.dataset.said !== what;
    announcement.focus();
  };

  const hideWords = () => {
    wordsBox.hidden = true;
    wordsButton.setAttribute('aria-expanded', 'false');
    root.querySelector('[data-words]').replaceChildren();
  };

  const restore = (secret) => {
    storage.keepSecret(secret);
    restoreForm.reset();
    file.value = '';
    clearMistakes(restoring);
    refresh();
    say('restored');
  };

  const refuse = (field, message) => showMistakes(restoring, messages, [{ field, message }]);

  root.querySelector('[data-save-file]').addEventListener('click', () => {
    download(messages.file_name, toFile(storage.secret(), messages.file_text));
  });

  wordsButton.addEventListener('click', () => {
    if (!wordsBox.hidden) return hideWords();
    const items = toWords(storage.secret()).map((word) => Object.assign(document.createElement('li'), { textContent: word }));
    root.querySelector('[data-words]').replaceChildren(...items);
    wordsBox.hidden = false;
    wordsButton.setAttribute('aria-expanded', 'true');
  });

  restoreForm.addEventListener('submit', (event) => {
    event.preventDefault();
    try {
      restore(fromWords(words.value));
    } catch (error) {
      refuse(words.id, explainWords(error, messages));
    }
  });

  file.addEventListener('change', async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    try {
      const secret = chosen.size <= MAX_FILE_BYTES ? fromFile(await chosen.text()) : null;
      if (secret) restore(secret);
      else refuse(file.id, messages.file_without);
    } catch (error) {
      refuse(file.id, explainWords(error, messages));
    }
  });

  root.querySelector('[data-forget]').addEventListener('click', () => {
    storage.forget();
    refresh();
    say('forgotten');
  });

  refresh();
}

function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  Object.assign(document.createElement('a'), { href: address, download: name }).click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** What to do about words that are none of a secret. */
function explainWords(error, messages) {
  return fill(messages[`words_${error.code}`] ?? messages.words_checksum, error);
}

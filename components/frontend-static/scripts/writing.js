// The forms that are sent to the server: drafts, and characters counted.

import { countCharacters } from './counter.js';
import { forgetOnceSent, forgetWhatIsDone, keepDraft } from './draft.js';

forgetWhatIsDone();
for (const form of document.querySelectorAll('form[data-draft]')) {
  keepDraft(form);
  forgetOnceSent(form);
}
for (const area of document.querySelectorAll('textarea[data-limit]')) countCharacters(area);

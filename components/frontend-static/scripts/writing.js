// The forms that are sent to the server: drafts, characters counted, photos made smaller.

import { countCharacters } from './counter.js';
import { forgetOnceSent, forgetWhatIsDone, keepDraft } from './draft.js';
import { shrinkPhotos } from './photo.js';

forgetWhatIsDone();
for (const form of document.querySelectorAll('form[data-draft]')) {
  keepDraft(form);
  forgetOnceSent(form);
}
for (const field of document.querySelectorAll('[data-photo]')) shrinkPhotos(field);
for (const area of document.querySelectorAll('textarea[data-limit]')) countCharacters(area);

// A photo of a document is drawn anew before it is sent: small enough, and without what the camera
// wrote into it, such as where it was taken. The server takes that out too, for who has no scripts.

import { show } from './page.js';

/** The longer side in pixels, the first that is small enough. Print can be read at each of them. */
const SIDES = [2400, 1800, 1300];

const QUALITY = 0.85;

/** For the field with `data-photo`, which says how many bytes may be sent. */
export function shrinkPhotos(field) {
  const input = field.querySelector('input[type=file]');
  const limit = Number(field.dataset.photo);
  let busy = null;

  input.addEventListener('change', () => {
    const own = take(input.files[0]);
    busy = own;
    own.finally(() => {
      if (busy === own) busy = null;
    });
  });

  input.form.addEventListener('submit', (event) => {
    if (!busy) return;
    event.preventDefault();
    busy.then(() => input.value && input.form.requestSubmit());
  });

  /** Puts what may be sent in place of the file that was chosen, or nothing. */
  async function take(file) {
    if (!file) return show(field);
    show(field, 'shrinking');
    const { state, photo } = await prepare(file, limit);
    if (input.files[0] !== file) return; // Another one was chosen meanwhile.
    if (photo) input.files = listOf(photo);
    else if (state) input.value = '';
    show(field, state);
  }
}

/** The photo to send, if it is another one, and which state to show. */
async function prepare(file, limit) {
  if (!file.type.startsWith('image/') || !canDraw()) return { state: file.size <= limit ? '' : 'too-large' };
  const photo = await drawnAnew(file, limit);
  return photo ? { state: 'shrunk', photo } : { state: 'unreadable' };
}

function listOf(file) {
  const transfer = new DataTransfer();
  transfer.items.add(file);
  return transfer.files;
}

async function drawnAnew(file, limit) {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return null;
  for (const side of SIDES) {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    const drawing = canvas(Math.ceil(picture.width * scale), Math.ceil(picture.height * scale));
    drawing.getContext('2d').drawImage(picture, 0, 0, drawing.width, drawing.height);
    const blob = await new Promise((resolve) => drawing.toBlob(resolve, 'image/jpeg', QUALITY));
    if (blob && blob.size <= limit) return new File([blob], 'document.jpg', { type: blob.type });
  }
  return null;
}

/** White, because a JPEG has no transparency. */
function canvas(width, height) {
  const element = Object.assign(document.createElement('canvas'), { width, height });
  const context = element.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  return element;
}

/** A browser that hides what it is, as Tor's does, gives noise for what was drawn. */
function canDraw() {
  const { data } = canvas(2, 2).getContext('2d').getImageData(0, 0, 2, 2);
  return data.every((value) => value === 255) && 'createImageBitmap' in window;
}

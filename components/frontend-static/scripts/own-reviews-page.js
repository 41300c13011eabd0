// The reviews of this device, each asked for by its key and as nobody.

import { askAsKey, succeeded } from './api.js';
import { fill, messagesOf, show } from './page.js';
import { reviewKey } from './review-key.js';
import { read } from './statement.js';
import * as storage from './storage.js';

export async function ownReviewsPage(root) {
  const messages = messagesOf(root);
  const secret = storage.secret();
  if (!secret) return show(root, 'no-secret');
  const places = storage.passes();
  if (places.length === 0) return show(root, 'none', 'search');
  const list = root.querySelector('[data-state=list]');
  const rows = places.map((place) => row(root, place, messages));
  list.replaceChildren(...rows.map(({ element }) => element));
  show(root, 'list', 'search');
  await Promise.all(
    rows.map(async ({ place, status }) => {
      const key = reviewKey(secret, place.hospitalId, place.year);
      const answer = await askAsKey(key, key.sign(read(place)));
      status.textContent = stateOf(answer, messages);
    }),
  );
}

function row(root, place, messages) {
  const element = root.querySelector('[data-row]').content.firstElementChild.cloneNode(true);
  const link = element.querySelector('a');
  link.href = `/hospitals/${encodeURIComponent(place.hospitalId)}/review?year=${place.year}`;
  link.textContent = place.hospitalName;
  element.querySelector('[data-year]').textContent = fill(messages.year, place);
  return { element, place, status: element.querySelector('[data-status]') };
}

/** What became of a key's review, in a few words. */
export function stateOf(answer, { states }) {
  if (answer.status === 404) return states.unwritten;
  if (!succeeded(answer)) return states.unknown;
  const { status, edit_waits: editWaits, hidden_until: until } = answer.body;
  if (status === 'published' && editWaits) return states.edit_waits;
  return fill(states[status] ?? states.unknown, { until });
}

// The reviews of this device, asked for by their keys and as nobody. Of several none is asked for here,
// but when it is opened: asked for at once, they would tell whoever watches the server that they
// belong together.

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
  if (rows.length > 1) return show(root, 'list', 'several', 'search');
  show(root, 'list', 'search');
  const [{ place, status }] = rows;
  const key = reviewKey(secret, place.hospitalId, place.year);
  status.textContent = stateOf(await askAsKey(key, key.sign(read(place))), messages);
}

function row(root, place, messages) {
  const element = root.querySelector('[data-row]').content.firstElementChild.cloneNode(true);
  const link = element.querySelector('a');
  link.href = `/hospitals/${encodeURIComponent(place.hospitalId)}/review?year=${place.year}`;
  link.textContent = place.hospitalName;
  element.querySelector('[data-year]').textContent = fill(messages.year, place);
  const status = element.querySelector('[data-status]');
  status.textContent = messages.states.unasked;
  return { element, place, status };
}

/** A day as the page's language writes it. */
const written = (day) => new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(day));

/** What became of a key's review, in a few words. */
export function stateOf(answer, { states }) {
  if (answer.status === 404) return states.unwritten;
  if (!succeeded(answer)) return states.unknown;
  const { status, edit_waits: editWaits, hidden_until: until } = answer.body;
  if (status === 'published' && editWaits) return states.edit_waits;
  return fill(states[status] ?? states.unknown, { until: until && written(until) });
}

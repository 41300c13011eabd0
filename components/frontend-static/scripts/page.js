// What the pages' scripts have in common: the server renders every state, a script shows one.

/** Shows what of `root` belongs to one of the states, and hides what belongs to others. */
export function show(root, ...states) {
  for (const element of root.querySelectorAll('[data-state]')) element.hidden = !states.includes(element.dataset.state);
}

/** The texts that the server handed over. */
export const messagesOf = (root) => JSON.parse(root.querySelector('[data-messages]').textContent);

/** A text with its `{…}` filled in. */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

const encoder = new TextEncoder();

/**
 * The concatenation of the fields as netstrings, `N(…)` of docs/passes.md: two different lists
 * of fields never give the same bytes. Numbers are written in decimal.
 */
export function netstrings(...fields) {
  const chunks = fields.flatMap((field) => {
    const bytes = encoder.encode(String(field));
    return [encoder.encode(`${bytes.length}:`), bytes, encoder.encode(',')];
  });
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

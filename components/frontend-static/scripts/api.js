// The APIs, as a page of ours calls them.

/** No answer of ours takes longer; without a network none comes at all. */
const LIMIT_MS = 30_000;

/**
 * As nobody: without cookies, and without saying which page it comes from. Review refuses a
 * statement that comes with a session.
 */
const ANONYMOUS = { credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-store' };

/** `{ status, body }`; status 0 where no answer came. */
async function call(method, path, json, options) {
  const request = { method, ...options, signal: AbortSignal.timeout(LIMIT_MS) };
  if (json !== undefined) {
    request.headers = { 'content-type': 'application/json' };
    request.body = JSON.stringify(json);
  }
  try {
    const response = await fetch(path, request);
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : null };
  } catch {
    return { status: 0, body: null };
  }
}

export const asNobody = (method, path, json) => call(method, path, json, ANONYMOUS);

/** What became of the review of a key that is ours. The key alone is public, hence the signature. */
export const askAsKey = ({ name }, signature) =>
  call('GET', `/api/review/keys/${name}`, undefined, { ...ANONYMOUS, headers: { 'review-signature': signature } });

/** With the session of whoever is signed in. */
export const asInsider = (method, path, json) => call(method, path, json, { credentials: 'same-origin' });

export const succeeded = ({ status }) => status >= 200 && status < 300;

// Postmark's `POST /email` as far as auth needs it, with every fault that a test asks for.

import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * `{ url, mails, answers, stop() }`: `mails` are the requests in the order in which they came, `{ path,
 * token, json }`; `answers` what the next ones are answered: a status, or `drop` to end the connection
 * without an answer once the mail was read. Without any it is 200.
 */
export async function postmark(t) {
  const mails = [];
  const answers = [];
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString();
    mails.push({ path: `${request.method} ${request.url}`, token: request.headers['x-postmark-server-token'], json: JSON.parse(text) });
    const answer = answers.shift() ?? 200;
    if (answer === 'drop') return request.socket.destroy();
    response.writeHead(answer, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ErrorCode: answer === 200 ? 0 : 1, Message: 'as the test says' }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => server.close() && server.closeAllConnections();
  t.after(stop);
  return { url: `http://127.0.0.1:${server.address().port}`, mails, answers, stop };
}

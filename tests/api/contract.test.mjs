// The check that every answer goes through has to be able to fail.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { contract } from '../contract.mjs';

const problem = { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } };

const document = {
  openapi: '3.1.0',
  paths: {
    '/api/sample/things/latest': { get: { responses: { 204: { description: 'None' } } } },
    '/api/sample/things/{id}': {
      get: {
        responses: {
          200: {
            headers: { ETag: { required: true } },
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
          404: { $ref: '#/components/responses/NotFound' },
        },
      },
    },
  },
  components: {
    responses: { NotFound: problem },
    schemas: {
      Problem: { type: 'object', required: ['code'] },
      Thing: {
        type: 'object',
        additionalProperties: false,
        required: ['id', 'made_at'],
        properties: { id: { type: 'string' }, made_at: { type: 'string', format: 'date-time' } },
      },
    },
  },
};

let server;
let sample;

before(async () => {
  server = createServer((_, response) => response.end(JSON.stringify(document))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  sample = await contract(`http://127.0.0.1:${server.address().port}`, 'sample');
});

after(() => server.close());

const thing = { id: 'a', made_at: '2026-11-23T05:00:00Z' };

function check(method, path, status, type, body, headers = { etag: '"1"' }) {
  const text = body === undefined ? '' : JSON.stringify(body);
  sample.check(method, path, { status, text, headers: new Headers({ ...headers, 'content-type': type }) });
}

const refuses = (expected, ...answer) => assert.throws(() => check(...answer), { message: expected });

test('an answer that fits passes', () => {
  check('GET', '/api/sample/things/a', 200, 'application/json; charset=utf-8', thing);
  check('GET', '/api/sample/things/a', 404, 'application/problem+json', { code: 'not_found' });
  check('GET', '/api/sample/things/latest', 204, 'text/plain');
});

test('an undocumented status fails', () => {
  refuses(/500 is not documented/, 'GET', '/api/sample/things/a', 500, 'application/json', thing);
});

test('a body that does not fit fails', () => {
  const path = '/api/sample/things/a';
  refuses(/made_at/, 'GET', path, 200, 'application/json', { id: 'a' });
  refuses(/additional properties/, 'GET', path, 200, 'application/json', { ...thing, account: 1 });
  refuses(/date-time/, 'GET', path, 200, 'application/json', { ...thing, made_at: 'today' });
  refuses(/code/, 'GET', path, 404, 'application/problem+json', {});
});

test('another content type, a missing header, a body where there is none fail', () => {
  refuses(/text\/html/, 'GET', '/api/sample/things/a', 200, 'text/html', thing);
  refuses(/lacks the header ETag/, 'GET', '/api/sample/things/a', 200, 'application/json', thing, {});
  refuses(/without a body/, 'GET', '/api/sample/things/latest', 204, 'application/json', thing);
});

test('where the document has nothing, only the problem that says so passes', () => {
  check('GET', '/api/sample/nothing', 404, 'application/problem+json', { code: 'not_found' });
  check('DELETE', '/api/sample/things/a', 405, 'application/problem+json', { code: 'method_not_allowed' });
  refuses(/200 is not documented/, 'GET', '/api/sample/nothing', 200, 'application/json', thing);
  refuses(/204 is not documented/, 'DELETE', '/api/sample/things/a', 204, 'text/plain');
});

// What the components' OpenAPI documents promise, and whether an answer keeps it.

import assert from 'node:assert/strict';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

// OpenAPI's own words (example, discriminator, …) stand between the JSON Schema keywords.
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);

const contracts = new Map();

/** The contract of /api/NAME on the site at `base`, fetched once. */
export function contract(base, name) {
  const address = `${base}/api/${name}/openapi.json`;
  if (!contracts.has(address)) contracts.set(address, load(address));
  return contracts.get(address);
}

async function load(address) {
  const response = await fetch(address);
  assert.equal(response.status, 200, `${address} answers`);
  return new Contract(address, await response.json());
}

class Contract {
  constructor(address, document) {
    this.address = address;
    this.document = document;
    this.prefix = new URL(document.servers?.[0]?.url ?? '/', address).pathname.replace(/\/$/, '');
    ajv.addSchema(document, address);
  }

  /**
   * Throws unless the document has this answer: the status, its content type, a body that fits.
   * `pathname` is the address without its query; `text` the body as it came.
   */
  check(method, pathname, { status, headers, text }) {
    const place = `${method} ${pathname} → ${status}`;
    const responses = this.responses(method, pathname);
    const found = ['' + status, `${status}`[0] + 'XX', 'default'].find((key) => key in responses.value);
    assert.ok(found, `${place} is not documented; ${Object.keys(responses.value).join(', ')} are: ${text}`);
    const response = this.resolve(responses, found);
    this.#checkBody(place, response, headers.get('content-type'), text);
    this.#checkHeaders(place, response, headers);
  }

  /** The answers of the operation; those of nothing where the document has no such address. */
  responses(method, pathname) {
    const path = this.#path(pathname);
    if (!path) return this.#problemOnly('404');
    const item = this.resolve({ pointer: '/paths', value: this.document.paths }, path);
    if (!(method.toLowerCase() in item.value)) return this.#problemOnly('405');
    return this.resolve(this.resolve(item, method.toLowerCase()), 'responses');
  }

  // Fixed addresses come before those with parameters: /accounts/me is no /accounts/{id}.
  #path(pathname) {
    const fits = (path) => pattern(this.prefix + path).test(pathname);
    const parameters = (path) => path.split('{').length;
    return Object.keys(this.document.paths).filter(fits).sort((a, b) => parameters(a) - parameters(b))[0];
  }

  #problemOnly(status) {
    const schema = { $ref: '#/components/schemas/Problem' };
    const value = { [status]: { content: { 'application/problem+json': { schema } } } };
    return { pointer: null, value };
  }

  #checkBody(place, response, contentType, text) {
    const content = response.value.content;
    if (!content) return assert.equal(text, '', `${place} is documented without a body`);
    const type = contentType?.split(';')[0].trim();
    assert.ok(type in content, `${place} has ${type}; ${Object.keys(content).join(', ')} are documented`);
    if (!/[/+]json$/.test(type)) return;
    const media = this.resolve(this.resolve(response, 'content'), type);
    if (!media.value.schema) return;
    const validate = this.#validator(this.resolve(media, 'schema', { follow: false }));
    if (!validate(JSON.parse(text))) {
      assert.fail(`${place} does not fit its schema: ${ajv.errorsText(validate.errors)}\n${text}`);
    }
  }

  #checkHeaders(place, response, headers) {
    for (const [name, header] of Object.entries(response.value.headers ?? {})) {
      if (header.required) assert.ok(headers.has(name), `${place} lacks the header ${name}`);
    }
  }

  #validator({ pointer, value }) {
    const reference = pointer === null ? value.$ref.slice(1) : pointer;
    return ajv.getSchema(`${this.address}#${reference}`) ?? assert.fail(`no schema at ${reference}`);
  }

  /** A member of a node, references followed, with the JSON pointer to where it stands. */
  resolve(node, key, { follow = true } = {}) {
    const own = node.pointer === null ? null : `${node.pointer}/${escape(key)}`;
    const value = node.value[key];
    if (!follow || !value?.$ref) return { pointer: own, value };
    const pointer = value.$ref.replace(/^#/, '');
    const target = pointer.split('/').slice(1).reduce((at, part) => at[unescape(part)], this.document);
    return { pointer, value: target };
  }
}

function pattern(path) {
  const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${path.split(/\{[^}]+\}/).map(literal).join('[^/]+')}$`);
}

// RFC 6901, and percent-encoding because ajv reads the pointer as a URI fragment.
const escape = (key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));
const unescape = (part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');

// The board over HTTP: what is wanted, and what each kind of bad input gets. `call` holds every
// answer against the contract, so a test states only what the contract cannot say.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { call, signUp, site } from '../site.mjs';

const POSTS = '/api/board/posts';
const NOBODY = '018f3c5e-7b1a-7c3e-9d2f-0123456789ab';

// Enough that writers meet, few enough that their passwords are hashed in a moment.
const INSIDERS = 8;

/** Access tokens of different insiders. */
let insiders;
let author, reader, other;

before(async () => {
  await site();
  insiders = [];
  for (let n = 0; n < INSIDERS; n++) insiders.push((await signUp()).token);
  [author, reader, other] = insiders;
});

const draft = (fields) => ({ category: 'free', title: '당직 후기', body: '오늘은 *조용*했습니다.', ...fields });

async function write(path, json, token, headers) {
  const answer = await call('POST', path, { token, json, headers });
  assert.equal(answer.status, 201, answer.text);
  return { ...answer.json, path: answer.headers.get('location') };
}

const writePost = (fields, token = author) => write(POSTS, draft(fields), token);

const writeComment = (post, token = reader, fields = {}) =>
  write(`${post.path}/comments`, { body: '같은 경험이 있습니다.', ...fields }, token);

async function read(path, token) {
  const answer = await call('GET', path, { token });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

async function expect(status, method, path, options, field) {
  const answer = await call(method, path, options);
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  if (field) assert.deepEqual(answer.json.errors.map((error) => error.field), [field].flat(), answer.text);
  return answer;
}

const refused = (path, json, field, token = author) => expect(422, 'POST', path, { token, json }, field);

/** Every item of a list, page after page of `limit`. */
async function everyItem(path, limit, token) {
  const items = [];
  let cursor = '';
  do {
    const page = await read(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`, token);
    assert.ok(page.items.length <= limit);
    items.push(...page.items);
    cursor = page.next_cursor === null ? null : `&cursor=${page.next_cursor}`;
  } while (cursor !== null);
  return items;
}

const ids = (items) => items.map((item) => item.id);

/** A word that no other test's posts have. */
const word = () => `w${randomUUID().replaceAll('-', '').slice(0, 20)}`;

test('a post is written, read by everyone, edited and deleted by its author', async () => {
  const post = await writePost({ category: 'question', title: '  야간 수당 ', body: '**얼마**인가요?' });
  assert.equal(post.title, '야간 수당');
  assert.equal(post.body_html, '<p><strong>얼마</strong>인가요?</p>\n');
  assert.deepEqual([post.mine, post.voted, post.label, post.label_number], [true, false, '글쓴이', 0]);
  assert.equal((await read(post.path)).mine, false);
  assert.equal((await read(post.path, author)).mine, true);

  const edited = await expect(200, 'PATCH', post.path, { token: author, json: { body: '새 본문' } });
  assert.equal(edited.json.title, '야간 수당');
  assert.equal(edited.json.body_html, '<p>새 본문</p>\n');
  assert.notEqual(edited.json.edited_at, null);

  await expect(204, 'DELETE', post.path, { token: author });
  await expect(404, 'GET', post.path);
  await expect(404, 'DELETE', post.path, { token: author });
});

test('the public reads and cannot write', async () => {
  const post = await writePost();
  const comment = await writeComment(post);
  await read(POSTS);
  await read(`${post.path}/comments`);
  const writes = [
    ['POST', POSTS], ['PATCH', post.path], ['DELETE', post.path],
    ['PUT', `${post.path}/vote`], ['DELETE', `${post.path}/vote`],
    ['PUT', `${post.path}/accepted-answer`], ['DELETE', `${post.path}/accepted-answer`],
    ['POST', `${post.path}/comments`], ['PATCH', comment.path], ['DELETE', comment.path],
    ['PUT', `${comment.path}/vote`], ['DELETE', `${comment.path}/vote`],
  ];
  // Before anything else is judged: the body is no JSON.
  for (const [method, path] of writes) {
    const { headers } = await expect(401, method, path, { body: method === 'DELETE' ? undefined : '{' });
    assert.equal(headers.get('www-authenticate'), 'Bearer');
  }
});

test('only the author edits and deletes', async () => {
  const post = await writePost({ category: 'question' });
  const comment = await writeComment(post);
  const forbidden = async (method, path, json) => {
    const { json: problem } = await expect(403, method, path, { token: other, json });
    assert.equal(problem.code, 'not_author');
  };
  await forbidden('PATCH', post.path, { title: '남의 제목' });
  await forbidden('DELETE', post.path);
  await forbidden('PATCH', comment.path, { body: '남의 댓글' });
  await forbidden('DELETE', comment.path);
  await forbidden('PUT', `${post.path}/accepted-answer`, { comment_id: comment.id });
  await forbidden('DELETE', `${post.path}/accepted-answer`);
});

test('an edit of what was changed meanwhile is refused', async () => {
  const post = await writePost();
  const comment = await writeComment(post);
  // The comment first, since it goes with its post.
  for (const [path, token] of [[comment.path, reader], [post.path, author]]) {
    const tag = (await call('GET', path)).headers.get('etag');
    const match = (value, json) => ({ token, json, headers: { 'if-match': value } });
    // A vote changes the answer and its tag, but nobody's edit.
    await expect(204, 'PUT', `${path}/vote`, { token: other });
    await expect(200, 'PATCH', path, match(tag, { body: '첫째' }));
    const late = await expect(412, 'PATCH', path, match(tag, { body: '둘째' }));
    assert.equal(late.json.code, 'changed_meanwhile');
    await expect(412, 'DELETE', path, match(tag));
    await expect(412, 'DELETE', path, match('none'));
    assert.equal((await read(path)).body, '첫째');
    await expect(204, 'DELETE', path, match('*'));
  }
});

test('what is unchanged is not sent again', async () => {
  const post = await writePost();
  for (const path of [post.path, `${post.path}/comments`, `${POSTS}?q=${word()}`]) {
    const tag = (await call('GET', path)).headers.get('etag');
    await expect(304, 'GET', path, { headers: { 'if-none-match': tag } });
  }
});

test('the same key writes once', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const json = draft({ title: '한 번만' });
  const send = (token = author) => call('POST', POSTS, { token, json, headers });
  const answers = await Promise.all([send(), send(), send()]);
  answers.push(await send());
  assert.equal(new Set(answers.map((answer) => answer.json.id)).size, 1);
  assert.notEqual((await send(other)).json.id, answers[0].json.id, 'keys are per insider');

  await expect(422, 'POST', POSTS, { token: author, json: draft(), headers }, 'Idempotency-Key');
  const path = `${POSTS}/${answers[0].json.id}/comments`;
  const comments = [await write(path, { body: '가' }, reader, headers), await write(path, { body: '가' }, reader, headers)];
  assert.equal(comments[0].id, comments[1].id);
  assert.equal((await read(path)).items.length, 1);
});

test('newest and most voted lists are paged without gap or repetition', async () => {
  const term = word();
  const posts = [];
  for (let n = 0; n < 7; n++) posts.push(await writePost({ title: `${term} ${n}`, category: n % 2 ? 'work' : 'news' }));
  // Votes 0, 1, 2, 0, 1, 2, 0: places that are equal by votes fall back to time.
  for (let n = 0; n < 7; n++)
    for (let vote = 0; vote < n % 3; vote++)
      await expect(204, 'PUT', `${posts[n].path}/vote`, { token: insiders[vote + 1] });

  const newest = [6, 5, 4, 3, 2, 1, 0];
  const mostVoted = [5, 2, 4, 1, 6, 3, 0];
  const odd = (n) => n % 2 === 1;
  const of = (order) => order.map((n) => posts[n].id);
  for (const limit of [1, 2, 3, 7, 100]) {
    assert.deepEqual(ids(await everyItem(`${POSTS}?q=${term}`, limit)), of(newest));
    assert.deepEqual(ids(await everyItem(`${POSTS}?q=${term}&sort=votes`, limit)), of(mostVoted));
    assert.deepEqual(ids(await everyItem(`${POSTS}?q=${term}&category=work`, limit)), of(newest.filter(odd)));
    assert.deepEqual(
      ids(await everyItem(`${POSTS}?q=${term}&category=work&sort=votes`, limit)),
      of(mostVoted.filter(odd)),
    );
  }
});

test('without a search the lists are in order as well', async () => {
  for (let n = 0; n < 3; n++) await writePost({ category: 'news' });
  const newest = await read(`${POSTS}?category=news&limit=100`);
  assert.deepEqual(ids(newest.items), ids(newest.items).sort().reverse());
  assert.ok(newest.items.every((post) => post.category === 'news'));
  const votes = (await read(`${POSTS}?sort=votes&limit=100`)).items.map((post) => post.vote_count);
  assert.deepEqual(votes, votes.toSorted((a, b) => b - a));
});

test('a page goes on after what was deleted', async () => {
  const term = word();
  const posts = [];
  for (let n = 0; n < 3; n++) posts.push(await writePost({ title: term }));
  const first = await read(`${POSTS}?q=${term}&limit=1`);
  await expect(204, 'DELETE', posts[2].path, { token: author });
  const second = await read(`${POSTS}?q=${term}&limit=1&cursor=${first.next_cursor}`);
  assert.equal(second.items[0].id, posts[1].id);
});

test('search takes wildcards literally and joins combining Hangul', async () => {
  const term = word();
  const post = await writePost({ title: `${term} 100%_\\ 한글`, body: '본문에는 심전도' });
  const finds = async (q) => ids((await read(`${POSTS}?q=${encodeURIComponent(q)}&limit=100`)).items).includes(post.id);
  assert.ok(await finds(`${term} 100%_\\`));
  assert.ok(await finds('100%_\\'));
  assert.ok(await finds(`${term} 100%_\\ 한글`.normalize('NFD')));
  assert.ok(await finds('는 심전'));
  assert.ok(!(await finds(`${term}%한글`)));
  assert.ok(!(await finds(`${term}_100`)));
  assert.ok(!(await finds(`${term}' OR '1'='1`)));
});

test('search finds what stands anywhere in a word, in either case, and what an edit brought', async () => {
  const term = word();
  const post = await writePost({ title: `${term} 서울튼튼내과`, body: '첫 줄 MRI\n둘째  줄 Éclair' });
  const finds = async (q, expected = true) => {
    const found = ids((await read(`${POSTS}?q=${encodeURIComponent(q)}&limit=100`)).items).includes(post.id);
    assert.equal(found, expected, q);
  };
  for (const q of ['울튼', '튼내', '서울튼튼내과', `${term.slice(5)} 서울`, 'mri', 'MRI', 'rI', '첫 줄', '째  줄', 'Éclair', 'clai']) await finds(q);
  for (const q of ['튼울', '내과의', '줄 둘', '째 줄', `${term}서울`, 'MRI 둘']) await finds(q, false);

  await expect(200, 'PATCH', post.path, { token: author, json: { body: '고친 본문은 달팽이' } });
  await finds('달팽');
  await finds('튼튼');
  await finds('mri', false);
  await expect(200, 'PATCH', post.path, { token: author, json: { title: `${term} 새 이름` } });
  await finds('달팽');
  await finds('튼튼', false);
  await expect(204, 'DELETE', post.path, { token: author });
  await finds('달팽', false);
});

test('common and rare terms lead through the same posts, page after page', async () => {
  const term = word();
  const posts = [];
  for (let n = 0; n < 23; n++) {
    const body = `${n % 2 ? '짝이 아닌' : '짝인'} 글 ${n === 11 ? '희귀한병' : '흔한병'}`;
    posts.push(await writePost({ title: `${term} ${n}`, body, category: n % 3 ? 'work' : 'news' }));
  }
  const expected = (chosen) => ids(posts.filter((_, n) => chosen(n)).toReversed());
  const found = async (q, limit, more = '') => ids(await everyItem(`${POSTS}?q=${encodeURIComponent(q)}${more}`, limit));
  for (const limit of [1, 5, 22, 23, 100]) {
    assert.deepEqual(await found(`${term} `, limit), expected(() => true));
    assert.deepEqual(await found(`${term} 1`, limit), expected((n) => `${n}`.startsWith('1')));
    assert.deepEqual(await found(term, limit, '&category=news'), expected((n) => n % 3 === 0));
  }
  // Other tests do not write these words, but another run on the same site may have.
  const ours = new Set(ids(posts));
  for (const [q, chosen] of [['희귀한병', (n) => n === 11], ['이 아닌 글 흔', (n) => n % 2 && n !== 11], ['글 희귀', (n) => n === 11]])
    assert.deepEqual((await found(q, 100)).filter((id) => ours.has(id)), expected(chosen), q);
});

test('whichever way a search looks, it finds the same', async () => {
  const [term, writers] = [word(), insiders.slice(1)];
  const posts = [];
  // More than the first window of a search, in which a page of a hundred is not filled.
  for (let n = 0; n < 300; n += 10)
    posts.push(...await Promise.all(Array.from({ length: 10 }, (_, at) => n + at).map(async (at) => {
      const words = [at % 4 ? '' : `${term}넷`, at < 30 ? `${term}옛` : '', at % 100 ? '' : `${term}백`];
      return { at, ...await writePost({ title: `글 ${at}`, body: `본문 ${words.join(' ')}` }, writers[at % writers.length]) };
    })));
  for (const [part, chosen] of [['넷', (at) => at % 4 === 0], ['옛', (at) => at < 30], ['백', (at) => at % 100 === 0]]) {
    const expected = posts.filter(({ at }) => chosen(at)).map(({ id }) => id).sort().toReversed();
    for (const limit of [20, 70, 100])
      assert.deepEqual(ids(await everyItem(`${POSTS}?q=${encodeURIComponent(term + part)}`, limit)), expected, `${part} ${limit}`);
  }
});

test('the same key sent ten times at once is answered the same', async () => {
  const post = await writePost();
  for (const [path, json] of [[POSTS, draft({ title: '열 번' })], [`${post.path}/comments`, { body: '열 번' }]]) {
    const headers = { 'idempotency-key': randomUUID() };
    const send = () => call('POST', path, { token: reader, json, headers });
    const answers = await Promise.all(Array.from({ length: 10 }, send));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  }
  assert.equal((await read(post.path)).comment_count, 1);
});

test('fifty writers in one thread leave it exact', async () => {
  const post = await writePost();
  const writers = insiders.slice(1);
  const fifty = Array.from({ length: 50 }, (_, n) => n);
  const comments = await Promise.all(fifty.map((n) => writeComment(post, writers[n % writers.length], { body: `${n}` })));
  await Promise.all(fifty.map((n) => {
    const token = writers[n % writers.length];
    switch (n % 5) {
      case 0: return writeComment(post, token, { parent_id: comments[1].id });
      case 1: return expect(204, 'PUT', `${post.path}/vote`, { token });
      case 2: return expect(204, 'DELETE', comments[n].path, { token });
      case 3: return expect(204, 'PUT', `${comments[1].path}/vote`, { token: author });
      default: return expect(200, 'PATCH', post.path, { token: author, json: { title: `제목 ${n}` } });
    }
  }));
  const [left, items] = [await read(post.path), await everyItem(`${post.path}/comments`, 100)];
  assert.equal(left.comment_count, 50);
  assert.equal(items.filter((comment) => !comment.deleted).length, 50);
  assert.equal(left.vote_count, new Set(fifty.filter((n) => n % 5 === 1).map((n) => n % writers.length)).size);
  assert.equal(items.find(({ id }) => id === comments[1].id).vote_count, 1);
  const numbers = comments.map((comment) => comment.label_number);
  assert.deepEqual([...new Set(numbers)].sort((a, b) => a - b), writers.map((_, n) => n + 1));
  assert.ok(fifty.every((n) => numbers[n] === numbers[n % writers.length]), 'one insider, one label');
});

test('labels hold within a thread, in the order of first comments', async () => {
  const thread = await writePost();
  const another = await writePost({}, reader);
  const first = await writeComment(thread, reader);
  assert.deepEqual([first.label, first.label_number, first.author_is_poster], ['익명 1', 1, false]);
  assert.equal((await writeComment(thread, other)).label, '익명 2');
  assert.equal((await writeComment(thread, reader, { parent_id: first.id })).label, '익명 1');
  const own = await writeComment(thread, author);
  assert.deepEqual([own.label, own.label_number, own.author_is_poster], ['글쓴이', 0, true]);

  assert.equal((await writeComment(another, other)).label, '익명 1');
  assert.equal((await writeComment(another, reader)).label, '글쓴이');

  // Whoever deletes and comes back is still the same one, and nobody inherits the number.
  await expect(204, 'DELETE', (await writeComment(thread, insiders[3])).path, { token: insiders[3] });
  assert.equal((await writeComment(thread, insiders[4])).label, '익명 4');
  assert.equal((await writeComment(thread, insiders[3])).label, '익명 3');
});

test('first comments at the same moment never share a label', async () => {
  for (let round = 0; round < 3; round++) {
    const post = await writePost();
    const writers = insiders.slice(1);
    const twice = [...writers, ...writers];
    const comments = await Promise.all(twice.map((token) => writeComment(post, token)));
    const labels = comments.map((comment) => comment.label_number);
    assert.deepEqual(labels.slice(0, writers.length), labels.slice(writers.length), 'one insider, one label');
    assert.deepEqual(labels.slice(0, writers.length).sort(), writers.map((_, n) => n + 1));
    assert.equal((await read(post.path)).comment_count, twice.length);
  }
});

test('no answer tells who wrote', async () => {
  const post = await writePost();
  await writeComment(post);
  const subjects = insiders.map((token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).sub);
  const answers = [
    await call('GET', POSTS), await call('GET', post.path, { token: author }),
    await call('GET', `${post.path}/comments`, { token: reader }), await call('POST', POSTS, { token: author, json: draft() }),
  ];
  for (const { text } of answers) for (const subject of subjects) assert.ok(!text.includes(subject));
});

test('a thread keeps its two-level order over pages', async () => {
  const post = await writePost();
  const roots = [];
  for (let n = 0; n < 3; n++) roots.push(await writeComment(post));
  const replies = [];
  for (const n of [2, 0, 0, 1, 0]) replies.push(await writeComment(post, other, { parent_id: roots[n].id }));
  const order = [roots[0], replies[1], replies[2], replies[4], roots[1], replies[3], roots[2], replies[0]].map((c) => c.id);
  for (const limit of [1, 2, 3, 100]) {
    const comments = await everyItem(`${post.path}/comments`, limit);
    assert.deepEqual(ids(comments), order);
  }
  const [first, reply] = (await read(`${post.path}/comments`)).items;
  assert.deepEqual([first.parent_id, reply.parent_id], [null, roots[0].id]);
  assert.equal((await read(post.path)).comment_count, 8);
});

test('a reply answers a top-level comment of the same post', async () => {
  const post = await writePost();
  const comment = await writeComment(post);
  const reply = await writeComment(post, other, { parent_id: comment.id });
  const elsewhere = await writeComment(await writePost());
  const deleted = await writeComment(post);
  await expect(204, 'DELETE', deleted.path, { token: reader });
  for (const parent_id of [reply.id, elsewhere.id, deleted.id, NOBODY, post.id, 'x', '', 1])
    await refused(`${post.path}/comments`, { body: '답글', parent_id }, 'parent_id');
  assert.equal((await writeComment(post, reader, { parent_id: null })).parent_id, null);
  // Under another post's address it does not exist.
  await expect(404, 'GET', `${POSTS}/${NOBODY}/comments/${comment.id}`);
  await expect(404, 'GET', elsewhere.path.replace(/posts\/[^/]+/, `posts/${post.id}`));
});

test('a deleted comment leaves its place to its replies, and nothing else', async () => {
  const post = await writePost({ category: 'question' });
  const root = await writeComment(post, reader, { body: '지울 댓글' });
  const replies = [
    await writeComment(post, other, { parent_id: root.id }),
    await writeComment(post, author, { parent_id: root.id }),
  ];
  await expect(204, 'PUT', `${root.path}/vote`, { token: other });
  await expect(204, 'PUT', `${post.path}/accepted-answer`, { token: author, json: { comment_id: root.id } });
  await expect(204, 'DELETE', root.path, { token: reader });

  const [place, ...rest] = (await read(`${post.path}/comments`, reader)).items;
  assert.deepEqual(
    [place.id, place.deleted, place.body, place.body_html, place.label_number, place.mine, place.vote_count, place.accepted],
    [root.id, true, '', '', null, false, 0, false],
  );
  assert.deepEqual(ids(rest), ids(replies));
  const left = await read(post.path);
  assert.deepEqual([left.comment_count, left.accepted_comment_id], [2, null]);
  for (const [method, path] of [['GET', ''], ['PATCH', ''], ['DELETE', ''], ['PUT', '/vote'], ['DELETE', '/vote']]) {
    const json = method === 'PATCH' ? { body: '되살리기' } : undefined;
    await expect(404, method, root.path + path, { token: reader, json });
  }

  await expect(204, 'DELETE', replies[0].path, { token: other });
  assert.equal((await read(`${post.path}/comments`)).items.length, 2);
  await expect(204, 'DELETE', replies[1].path, { token: author });
  assert.deepEqual((await read(`${post.path}/comments`)).items, []);
  assert.equal((await read(post.path)).comment_count, 0);
});

test('a vote counts once, and not for oneself', async () => {
  const post = await writePost();
  const comment = await writeComment(post);
  for (const [path, own, code] of [[post.path, author, 'own_post'], [comment.path, reader, 'own_comment']]) {
    const count = async (token) => { const { vote_count, voted } = await read(path, token); return [vote_count, voted]; };
    await expect(204, 'PUT', `${path}/vote`, { token: other });
    await expect(204, 'PUT', `${path}/vote`, { token: other });
    assert.deepEqual(await count(other), [1, true]);
    assert.deepEqual(await count(own), [1, false]);
    assert.deepEqual(await count(), [1, false]);
    await expect(204, 'DELETE', `${path}/vote`, { token: other });
    await expect(204, 'DELETE', `${path}/vote`, { token: other });
    assert.deepEqual(await count(other), [0, false]);
    assert.equal((await expect(403, 'PUT', `${path}/vote`, { token: own })).json.code, code);
  }
  await expect(204, 'PUT', `${comment.path}/vote`, { token: other });
  assert.deepEqual((await read(`${post.path}/comments`, other)).items.map((item) => item.voted), [true]);
});

test('counts are exact under concurrent voters', async () => {
  const post = await writePost();
  const comment = await writeComment(post, author);
  const voters = insiders.slice(1);
  for (const path of [`${post.path}/vote`, `${comment.path}/vote`]) {
    const send = (method, tokens) => tokens.map((token) => expect(204, method, path, { token }));
    await Promise.all([...send('PUT', voters), ...send('PUT', voters), ...send('PUT', voters)]);
    const target = path.replace(/\/vote$/, '');
    assert.equal((await read(target)).vote_count, voters.length);
    const [gone, kept] = [voters.slice(0, 3), voters.slice(3)];
    await Promise.all([...send('DELETE', gone), ...send('PUT', kept), ...send('DELETE', gone)]);
    assert.equal((await read(target)).vote_count, kept.length);
    // Both at once: whichever order they took, count and votes agree.
    await Promise.all([...send('DELETE', voters), ...send('PUT', voters)]);
    const voted = await Promise.all(voters.map(async (token) => (await read(target, token)).voted));
    assert.equal((await read(target)).vote_count, voted.filter(Boolean).length);
  }
});

test('a question has one accepted answer', async () => {
  const post = await writePost({ category: 'question' });
  const answers = [await writeComment(post), await writeComment(post, other), await writeComment(post, author)];
  const reply = await writeComment(post, other, { parent_id: answers[0].id });
  const accept = (comment_id) => ({ token: author, json: { comment_id } });
  for (const { id } of answers) {
    await expect(204, 'PUT', `${post.path}/accepted-answer`, accept(id));
    assert.equal((await read(post.path)).accepted_comment_id, id);
    const accepted = (await read(`${post.path}/comments`)).items.filter((comment) => comment.accepted);
    assert.deepEqual(ids(accepted), [id]);
  }
  const elsewhere = await writeComment(await writePost());
  for (const id of [reply.id, elsewhere.id, NOBODY, 'x', null])
    await expect(422, 'PUT', `${post.path}/accepted-answer`, accept(id), 'comment_id');
  assert.equal((await read(`${POSTS}?limit=100&category=question`)).items.find(({ id }) => id === post.id).answered, true);

  await expect(204, 'DELETE', `${post.path}/accepted-answer`, { token: author });
  await expect(204, 'DELETE', `${post.path}/accepted-answer`, { token: author });
  assert.equal((await read(post.path)).accepted_comment_id, null);

  await expect(204, 'PUT', `${post.path}/accepted-answer`, accept(answers[0].id));
  await expect(200, 'PATCH', post.path, { token: author, json: { category: 'work' } });
  assert.equal((await read(post.path)).accepted_comment_id, null);
  const { json } = await expect(409, 'PUT', `${post.path}/accepted-answer`, accept(answers[0].id));
  assert.equal(json.code, 'not_a_question');
});

test('with a post its thread goes', async () => {
  const key = { 'idempotency-key': randomUUID() };
  const post = await write(POSTS, draft({ title: '지울 글' }), author, key);
  const comment = await writeComment(post);
  await expect(204, 'PUT', `${post.path}/vote`, { token: other });
  await expect(204, 'DELETE', post.path, { token: author });
  for (const path of [post.path, `${post.path}/comments`, comment.path]) await expect(404, 'GET', path, { token: reader });
  await expect(404, 'POST', `${post.path}/comments`, { token: reader, json: { body: '늦은 댓글' } });
  await expect(404, 'PUT', `${post.path}/vote`, { token: other });
  await expect(404, 'DELETE', comment.path, { token: reader });
  // Not even the answer that was kept for a repeated request still tells of it.
  assert.notEqual((await write(POSTS, draft({ title: '지울 글' }), author, key)).id, post.id);
});

test('Markdown that attacks stays text', async () => {
  const body = '[x](javascript:alert(1)) <img src=x onerror=alert(1)> [y](https://a.kr) <script>alert(1)</script>';
  const post = await writePost({ body });
  const comment = await writeComment(post, reader, { body });
  for (const { body: source, body_html: html } of [post, comment]) {
    assert.equal(source, body);
    assert.deepEqual(html.match(/<[^>]*>/g), [
      '<p>', '<a href="https://a.kr" rel="nofollow noopener noreferrer ugc">', '</a>', '</p>',
    ]);
  }
});

test('the costliest texts are answered in time', async () => {
  for (const unit of ['>', '- ', '*a **a ', '[a](', '![', '`a', '<a', '_*', '1. ', '[a][b]']) {
    const start = Date.now();
    const post = await writePost({ body: unit.repeat(10_000 / unit.length).trim().slice(0, 10_000) });
    assert.ok(Date.now() - start < 2_000, `${unit} took ${Date.now() - start} ms`);
    await expect(204, 'DELETE', post.path, { token: author });
  }
});

test('every wrong field is named', async () => {
  const long = (n) => '가'.repeat(n);
  await refused(POSTS, {}, 'category');
  await refused(POSTS, draft({ category: 'none' }), 'category');
  await refused(POSTS, draft({ category: null }), 'category');
  await refused(POSTS, draft({ author: 'x' }), 'author');
  await refused(POSTS, draft({ title: 1 }), 'title');
  await refused(POSTS, draft({ title: ' 가 ' }), 'title');
  await refused(POSTS, draft({ title: long(101) }), 'title');
  await refused(POSTS, draft({ title: '두\n줄' }), 'title');
  await refused(POSTS, draft({ title: '널\0' }), 'title');
  await refused(POSTS, draft({ title: '뒤\u202e집기' }), 'title');
  await refused(POSTS, draft({ body: long(10_001) }), 'body');
  await refused(POSTS, draft({ body: '종\x07소리' }), 'body');
  await refused(POSTS, draft({ title: '', body: '' }), ['title', 'body']);
  await refused(POSTS, [], 'body');
  const post = await writePost({ title: long(100), body: long(10_000) });

  const patch = (json, field) => expect(422, 'PATCH', post.path, { token: author, json }, field);
  await patch({}, 'body');
  await patch({ title: null }, 'title');
  await patch({ id: NOBODY }, 'id');
  await patch({ title: '가', body: '가' }, ['title', 'body']);
  assert.equal((await read(post.path)).edited_at, null);

  const comments = `${post.path}/comments`;
  await refused(comments, {}, 'body');
  await refused(comments, { body: '  ' }, 'body');
  await refused(comments, { body: long(3_001) }, 'body');
  await refused(comments, { body: ['가'] }, 'body');
  await refused(comments, { body: '가', label: '익명 1' }, 'label');
  assert.deepEqual((await read(comments)).items, []);
});

test('texts of every script are kept', async () => {
  const title = '👩‍⚕️ 한글 ΑΩ العربية';
  const post = await writePost({ title, body: `${title}\r\n\t둘째 줄`.normalize('NFD') });
  assert.equal(post.title, title);
  assert.equal(post.body, `${title}\n\t둘째 줄`.normalize('NFC'));
});

test('a body that is none is refused', async () => {
  const send = (status, body, field, type = 'application/json') =>
    expect(status, 'POST', POSTS, { token: author, body, headers: { 'content-type': type } }, field);
  await send(422, '{', 'body');
  await send(422, '', 'body');
  await send(422, '{"category":"free","category":"free"}', 'category');
  await send(422, '['.repeat(100_000));
  await send(422, Buffer.from('7b22ff223a317d', 'hex'), 'body');
  await send(422, JSON.stringify(draft({ title: 'xx' })).replace('xx', '\\ud800\\ud800'), 'body');
  await send(415, JSON.stringify(draft()), undefined, 'text/plain');
  await send(413, JSON.stringify(draft({ body: 'a'.repeat(1 << 20) })));
  await expect(422, 'POST', POSTS, { token: author, json: draft(), headers: { 'idempotency-key': 'k'.repeat(256) } }, 'Idempotency-Key');
});

test('a query that is wrong is refused', async () => {
  const wrong = (query, field) => expect(422, 'GET', `${POSTS}?${query}`, {}, field);
  for (const limit of ['0', '101', '-1', 'x', '', '99999999999999999999']) await wrong(`limit=${limit}`, 'limit');
  await wrong('category=all', 'category');
  await wrong('sort=oldest', 'sort');
  await wrong('q=a', 'q');
  await wrong(`q=${'a'.repeat(51)}`, 'q');
  await wrong('q=ab%00', 'q');
  await wrong('q=%ff%fe', 'q');
  await wrong('offset=1', 'offset');
  await wrong('limit=1&limit=2', 'limit');
});

test('a cursor leads on in its own list only', async () => {
  const term = word();
  const posts = [await writePost({ title: term }), await writePost({ title: term })];
  const { next_cursor: cursor } = await read(`${POSTS}?q=${term}&limit=1`);
  await writeComment(posts[0]);
  await writeComment(posts[0]);
  const { next_cursor: comments } = await read(`${posts[0].path}/comments?limit=1`);
  const wrong = (path) => expect(422, 'GET', path, {}, 'cursor');
  await wrong(`${POSTS}?cursor=${cursor}`);
  await wrong(`${POSTS}?q=${term}&sort=votes&cursor=${cursor}`);
  await wrong(`${POSTS}?q=${term}&category=free&cursor=${cursor}`);
  await wrong(`${POSTS}?cursor=${comments}`);
  await wrong(`${posts[1].path}/comments?cursor=${comments}`);
  for (const made of ['', 'x', '*', 'e30', 'A'.repeat(2000), '%00'])
    for (const path of [POSTS, `${posts[0].path}/comments`]) await wrong(`${path}?cursor=${made}`);
});

test('nobody outside reaches the change of a schema', async () => {
  const { base } = await site();
  for (const path of ['/internal/migrate', '/api/board/internal/migrate', '/api/board/..%2f..%2finternal/migrate']) {
    const answer = await fetch(base + path, { method: 'POST' });
    assert.ok([404, 405].includes(answer.status), `${path}: ${answer.status}`);
    assert.doesNotMatch(await answer.text(), /"from":/);
  }
});

test('an address that is none is not found', async () => {
  const post = await writePost();
  for (const id of [NOBODY, post.id.toUpperCase(), post.id.replaceAll('-', ''), '1', '%00', '%ff', '..%2f', "'", 'a'.repeat(5000)]) {
    await expect(404, 'GET', `${POSTS}/${id}`);
    await expect(404, 'PUT', `${POSTS}/${id}/vote`, { token: other });
    await expect(404, 'GET', `${post.path}/comments/${id}`);
  }
  await expect(404, 'GET', '/api/board/none');
  await expect(405, 'PUT', POSTS, { token: author, json: draft() });
});

test('a token that is not ours is no session', async () => {
  const [header, claims, signature] = author.split('.');
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const decoded = JSON.parse(Buffer.from(claims, 'base64url'));
  const { kid } = JSON.parse(Buffer.from(header, 'base64url'));
  const forged = [
    `${encode({ alg: 'none', kid })}.${claims}.`,
    `${encode({ alg: 'none', kid })}.${claims}.${signature}`,
    `${encode({ alg: 'HS256', kid })}.${claims}.${signature}`,
    `${encode({ alg: 'EdDSA', kid: 'another' })}.${claims}.${signature}`,
    `${encode({ alg: 'EdDSA' })}.${claims}.${signature}`,
    `${header}.${encode({ ...decoded, exp: decoded.exp + 3600 })}.${signature}`,
    `${header}.${claims}.${'A'.repeat(signature.length)}`,
    `${header}.${claims}`, 'x', `${'x'.repeat(5000)}`,
  ];
  const post = await writePost();
  for (const token of forged) {
    await expect(401, 'POST', POSTS, { token, json: draft() });
    // Reading goes on as the public does.
    assert.equal((await read(post.path, token)).mine, false);
  }
  const cookie = { cookie: `a=b; session=${author}` };
  await expect(201, 'POST', POSTS, { json: draft(), headers: cookie });
});

test('another site cannot write with the cookie', async () => {
  const cookie = `session=${author}`;
  for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]) {
    const { json } = await expect(403, 'POST', POSTS, { json: draft(), headers: { cookie, ...headers } });
    assert.equal(json.code, 'cross_origin');
  }
  const { base } = await site();
  await expect(201, 'POST', POSTS, { json: draft(), headers: { cookie, origin: base } });
});

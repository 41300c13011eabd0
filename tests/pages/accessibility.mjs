// What every page has to be: accessible, no wider than the screen, large enough to press.

import assert from 'node:assert/strict';
import { AxeBuilder } from '@axe-core/playwright';

// The least size of what is pressed (CSS pixels). Links within a sentence are as high as its line.
const TARGET = 44;

/** Fails unless the page that is open, said to be `path`, is all that. */
export async function inspect(page, path) {
  const { violations, passes } = await new AxeBuilder({ page }).analyze();
  assert.ok(passes.length > 10, `axe looked at ${path}`);
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), [], path);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${path} is ${wide} px too wide`);
  const small = await page.evaluate((least) => {
    const inSentence = (element) => element.tagName === 'A' && getComputedStyle(element).display === 'inline';
    return [...document.querySelectorAll('a, button, summary, input:not([type=hidden]), select, textarea')]
      .filter((element) => element.checkVisibility() && !element.closest('.skip, .prose') && !inSentence(element))
      .filter((element) => element.getBoundingClientRect().height < least - 0.5)
      .map((element) => element.outerHTML.slice(0, 120));
  }, TARGET);
  assert.deepEqual(small, [], `${path}: large enough to press`);
  assert.deepEqual(page.complaints, [], path);
}

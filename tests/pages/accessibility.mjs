// What every page has to be: accessible, no wider than the screen, large enough to press. Where
// JINMAEK_SCREENSHOTS names a folder, a picture of each page is kept there to be looked at.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';

// The least size of what is pressed (CSS pixels). Links within a sentence are as high as its line.
const TARGET = 44;

/** Fails unless the page that is open, said to be `path`, is all that. */
export async function inspect(page, path) {
  await keepPicture(page, path);
  // Axe's legacy mode looks into no frames of other origins, which no page of ours may have, and so
  // needs no second page of the browser each time: that took as long as all the rest.
  const { violations, passes } = await new AxeBuilder({ page }).setLegacyMode().analyze();
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

let pictures = 0;

async function keepPicture(page, path) {
  if (!process.env.JINMAEK_SCREENSHOTS) return;
  const name = `${String((pictures += 1)).padStart(3, '0')} ${path.replace(/[^\p{L}\d]+/gu, ' ').trim().slice(0, 60)}.png`;
  await page.screenshot({ path: join(process.env.JINMAEK_SCREENSHOTS, name), fullPage: true });
}

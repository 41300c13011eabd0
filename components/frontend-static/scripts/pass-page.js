import { makePass } from './make-pass.js';
import { show } from './page.js';

/** The box of a proof, in which its pass is made as soon as it can be. */
export async function passPage(root) {
  const { hospital: hospitalId, hospitalName, year } = root.dataset;
  show(root, 'making');
  show(root, await makePass({ hospitalId, hospitalName, year: Number(year) }));
}

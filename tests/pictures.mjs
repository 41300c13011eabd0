// Pictures of documents, as the suites hand them in.

import { crc32 } from 'node:zlib';

/** The smallest PNG there is: a picture and nothing beside it. */
export const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** The picture with a text that a program wrote into it (PNG, section 11.3.3). */
export function withText(text) {
  const content = Buffer.from(`tEXtComment\0${text}`, 'latin1');
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length - 4);
  sum.writeUInt32BE(crc32(content));
  // Before the last chunk, which is twelve bytes long.
  return Buffer.concat([PICTURE.subarray(0, -12), length, content, sum, PICTURE.subarray(-12)]);
}

/** The JPEG with a place in it, as a camera writes one (Exif, section 4.5.4). */
export function withPlace(jpeg, place) {
  const content = Buffer.from(`Exif\0\0${place}`, 'latin1');
  const head = Buffer.from([0xff, 0xe1, 0, content.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), head, content, jpeg.subarray(2)]);
}

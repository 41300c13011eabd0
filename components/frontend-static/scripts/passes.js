// Recovery secrets, passes and reviews: whichever of their pages this is.

import { ownReviewsPage } from './own-reviews-page.js';
import { passPage } from './pass-page.js';
import { reviewPage } from './review-page.js';
import { secretPage } from './secret-page.js';

const secret = document.querySelector('[data-secret]');
const pass = document.querySelector('[data-pass]');
const review = document.querySelector('[data-review]');
const own = document.querySelector('[data-own-reviews]');

if (secret) secretPage(secret);
else if (pass) passPage(pass);
if (review) reviewPage(review);
if (own) ownReviewsPage(own);

// How the adversary compares what belongs to accounts with what belongs to reviews.

/** A generator of numbers from 0 to 1, the same for the same seed (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled(items, draw) {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(draw() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
  }
  return mixed;
}

// A shorter text is a name, a day or a number that many have.
const SHORTEST_JOINING_TEXT = 12;

// A value that more rows share belongs to a hospital, not to a person: more write a review of each.
const MOST_ROWS_OF_ONE = 11;

/** Rows that belong together, because a long text stands in them and in few others. */
export function components(rows) {
  const groups = rows.map((_, index) => index);
  const root = (index) => {
    while (groups[index] !== index) index = groups[index] = groups[groups[index]];
    return index;
  };
  const holders = new Map();
  for (const [index, { values }] of rows.entries()) {
    for (const text of new Set(Object.values(values).filter((value) => typeof value === 'string' && value.length >= SHORTEST_JOINING_TEXT))) {
      if (!holders.has(text)) holders.set(text, []);
      holders.get(text).push(index);
    }
  }
  for (const indexes of holders.values()) {
    if (indexes.length > MOST_ROWS_OF_ONE) continue;
    for (const index of indexes) groups[root(index)] = root(indexes[0]);
  }
  const found = new Map();
  for (const [index, row] of rows.entries()) {
    const group = root(index);
    if (!found.has(group)) found.set(group, []);
    found.get(group).push(row);
  }
  return [...found.values()];
}

/** The values of a group by table and column, the least and the greatest where it has several rows. */
function described(group) {
  const found = {};
  for (const { table, values, places } of group) {
    for (const [column, value] of Object.entries({ ...values, ...places })) {
      if (value === null) continue;
      for (const [which, better] of [['least', before], ['greatest', (a, b) => before(b, a)]]) {
        const name = `${which} ${table}.${column}`;
        if (!(name in found) || better(value, found[name])) found[name] = value;
      }
    }
  }
  return found;
}

const before = (a, b) => (typeof a === typeof b ? a < b : String(a) < String(b));

/**
 * What there is to compare: of accounts and of reviews the ranks of each column within its hospital,
 * in the order of the authors. A column that is the same throughout tells nothing.
 */
export function features(authors) {
  const hospitals = [...new Set(authors.map(({ hospital }) => hospital))];
  const members = hospitals.map((hospital) => authors.flatMap((author, index) => (author.hospital === hospital ? [index] : [])));
  const ranked = (groups) => {
    const rows = groups.map(described);
    const names = new Set(rows.flatMap((row) => Object.keys(row)));
    return [...names].flatMap((name) => {
      const ranks = members.map((indexes) => centred(indexes.map((index) => rows[index][name])));
      return ranks.every((each) => each !== null) ? [{ name, ranks }] : [];
    });
  };
  return {
    accounts: distinct(ranked(authors.map(({ account }) => account))),
    reviews: distinct(ranked(authors.map(({ review }) => review))),
  };
}

/** Ranks with mean 0 and length 1, ties sharing theirs; null where all are alike or one is missing. */
function centred(values) {
  if (values.some((value) => value === undefined)) return null;
  const sorted = values.map((value, index) => ({ value, index })).sort((a, b) => (before(a.value, b.value) ? -1 : before(b.value, a.value) ? 1 : 0));
  const ranks = new Array(values.length);
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (end < sorted.length && !before(sorted[start].value, sorted[end].value)) end++;
    for (let at = start; at < end; at++) ranks[sorted[at].index] = (start + end - 1) / 2;
    start = end;
  }
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length;
  const length = Math.sqrt(ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0));
  return length === 0 ? null : ranks.map((rank) => (rank - mean) / length);
}

/** Columns of one order once. */
function distinct(columns) {
  const seen = new Map();
  for (const column of columns) {
    const key = JSON.stringify(column.ranks.map((each) => each.map((rank) => rank.toFixed(6))));
    if (!seen.has(key)) seen.set(key, column);
    else seen.get(key).name += `, ${column.name}`;
  }
  return [...seen.values()];
}

/**
 * The strongest association of a column of accounts with one of reviews (Spearman's rank correlation,
 * averaged over hospitals), and how often a random assignment of reviews to accounts within their
 * hospitals has a stronger one (a permutation test on the maximum, Westfall and Young 1993).
 */
export function judge({ accounts, reviews }, permutations, seed) {
  const sizes = accounts[0].ranks.map((ranks) => ranks.length);
  const strongest = (assignment) => {
    let best = { strength: -1 };
    for (const review of reviews) {
      const assigned = review.ranks.map((ranks, hospital) => assignment[hospital].map((index) => ranks[index]));
      for (const account of accounts) {
        let sum = 0;
        for (const [hospital, ranks] of account.ranks.entries()) {
          const other = assigned[hospital];
          for (let index = 0; index < ranks.length; index++) sum += ranks[index] * other[index];
        }
        const strength = Math.abs(sum) / sizes.length;
        if (strength > best.strength) best = { strength, account: account.name, review: review.name };
      }
    }
    return best;
  };
  const identity = sizes.map((size) => Array.from({ length: size }, (_, index) => index));
  const found = strongest(identity);
  const draw = random(seed);
  let stronger = 0;
  for (let count = 0; count < permutations; count++) {
    if (strongest(identity.map((indexes) => shuffled(indexes, draw))).strength >= found.strength) stronger++;
  }
  return { ...found, p: stronger / permutations };
}

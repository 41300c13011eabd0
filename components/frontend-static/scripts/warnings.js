// What in a text may tell who wrote it, or names somebody else. A hint before sending, not a
// judgement: it is better to ask once too often, so patterns are kept simple.

/** Below this many passes a job title alone may point at one person. */
export const SMALL_CROWD = 30;

const SURNAMES =
  '김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용';

// Titles that follow a name: 김철수 원장님, 박 과장.
const TITLES =
  '대표원장|병원장|부원장|원장|이사장|이사|센터장|부장|과장|실장|팀장|차장|대리|주임|교수|선생|쌤|간호부장|수간호사|간호사|간호조무사|조무사|의사|전문의|전공의|레지던트|인턴|약사|한의사|물리치료사|치료사|방사선사|임상병리사|치위생사|위생사|영양사|원무과장|행정실장|씨';

// Titles of which a hospital has one or a few.
const POSITIONS =
  '대표원장|병원장|부원장|이사장|센터장|간호부장|간호과장|수간호사|책임간호사|원무과장|원무부장|행정원장|행정실장|총무과장|약제과장|영양실장|검사실장|방사선실장|[가-힣]{1,8}과\\s?과장|[가-힣]{2,8}과장|[가-힣]{1,8}실장|[가-힣]{1,8}팀장';

// What looks like a name before a title and is none: 담당 의사, 외래 간호사.
const NO_NAMES =
  '우리|이런|저런|그런|어느|어떤|모든|여러|다른|같은|전체|일부|신규|선배|후배|동료|담당|주치|외래|병동|수술|응급|야간|당직|신입|경력|여자|남자|여의사|남의사|젊은|좋은|나쁜|친절|지금|이전|현재|원래|정형|정신|소아|성형|신경|마취|내과|외과|안과|치과|한방|주임|수석|책임|전담|전임|이직|고참|한명|두명|세명|진료|일반|여성|남성|병원|의원|이번|저희|인기|유명|연차|조용|오래|장기|전문|공중|보건|시간|원무|행정|총무|간호|약제|영양|전공|임상|방사|물리|작업|언어|구급|지원|관리|기획|홍보|고객|상담|서울|부산|대구|인천|광주|대전|울산|지방|기존|하루|구강|문제|인턴|한의|성실한|유능한|노련한|조용한|정직한|신중한|정중한|무심한|친한|서툰';

// 이 의사 and 전 원장 are this physician and a former director more often than Mr Lee and Mr Jeon.
const DETERMINERS = '[이한전현연그저]\\s?(?:의사|간호사|조무사|약사|치료사|원장)';

const END = '(?![가-힣]*(?:들|분들|이나|마다|보다))';

const PATTERNS = [
  { kind: 'mail', pattern: /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g },
  { kind: 'resident', pattern: /(?<!\d)\d{6}\s?-\s?[1-8]\d{6}(?!\d)/g },
  { kind: 'phone', pattern: /(?<![\d-])(?:\+82[\s-]?|0)(?:2|1\d|[3-6]\d|70)[)\s.-]{0,2}\d{3,4}[\s.-]?\d{4}(?![\d-])/g },
  {
    kind: 'date',
    pattern:
      /(?<!\d)(?:(?:19|20)\d\d\s?년\s?\d{1,2}\s?월(?:\s?\d{1,2}\s?일)?|(?:19|20)\d\d\s?[.\/-]\s?\d{1,2}\s?[.\/-]\s?\d{1,2}\.?|\d{1,2}\s?월\s?\d{1,2}\s?일|(?:지난|저번|이번)\s?(?:달|주)?\s?[월화수목금토일]요일|(?:그저께|어제)(?!오늘))/g,
  },
  {
    kind: 'name',
    pattern: new RegExp(
      `(?<![가-힣])(?!(?:${NO_NAMES}|${DETERMINERS}|[가-힣]{1,2}고\\s))(?:남궁|황보|제갈|선우|독고|사공|[${SURNAMES}])(?:[가-힣]{1,2})?\\s?(?:${TITLES})(?:님|께서)?${END}`,
      'g',
    ),
  },
  { kind: 'name', pattern: /\b(?:Dr|Prof|Mr|Ms|Mrs|Nurse)\.?\s[A-Z][a-z]+(?:\s[A-Z][a-z]+)?/g },
];

const POSITION = { kind: 'position', pattern: new RegExp(`(?<![가-힣])(?:${POSITIONS})(?:님)?`, 'g') };

/**
 * Finds what identifies in a text: `[{ kind, text, start, end }]` in order, none overlapping
 * another; `kind` is `name`, `phone`, `date`, `mail`, `resident` or `position`. `crowd` is how
 * many passes there are; only in a small one a position counts.
 */
export function findings(text, crowd = 0) {
  const patterns = crowd < SMALL_CROWD ? [...PATTERNS, POSITION] : PATTERNS;
  const found = [];
  for (const { kind, pattern } of patterns) {
    for (const match of text.matchAll(pattern)) {
      const [start, end] = [match.index, match.index + match[0].length];
      if (!found.some((other) => start < other.end && other.start < end)) found.push({ kind, text: match[0].trim(), start, end });
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

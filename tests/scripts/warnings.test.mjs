// What is asked about before a review is sent, and what is not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findings, SMALL_CROWD } from '../../components/frontend-static/scripts/warnings.js';

const kinds = (text, crowd = 1_000) => findings(text, crowd).map(({ kind, text }) => `${kind}: ${text}`);

test('names with titles', () => {
  for (const name of ['김철수 원장', '박 과장', '이영희간호사', '김간호사', '최쌤', '홍 선생님', '남궁민 교수', '제갈 실장', '정민수 씨', 'Dr. Kim']) {
    assert.deepEqual(kinds(`그때 ${name}이 그랬어요.`), [`name: ${name}`], name);
  }
});

test('numbers of phones and residents, addresses of mail', () => {
  for (const number of ['010-1234-5678', '01012345678', '010 1234 5678', '02) 123-4567', '031.123.4567', '+82 10-1234-5678']) {
    assert.deepEqual(kinds(`연락은 ${number}로`), [`phone: ${number}`], number);
  }
  assert.deepEqual(kinds('900101-1234567'), ['resident: 900101-1234567']);
  assert.deepEqual(kinds('문의는 hong.g@hospital.co.kr로'), ['mail: hong.g@hospital.co.kr']);
});

test('dates', () => {
  for (const date of ['2026년 3월 5일', '2026년 3월', '3월 5일', '2026-03-05', '2026. 3. 5.', '2026/03/05', '지난 화요일', '지난주 금요일', '어제']) {
    assert.deepEqual(kinds(`${date} 회의에서`), [`date: ${date}`], date);
  }
});

test('a position only where few people are', () => {
  for (const position of ['수간호사', '원무과장님', '정형외과 과장', '간호부장', '행정실장']) {
    assert.deepEqual(kinds(`${position}이 그랬어요`, SMALL_CROWD - 1), [`position: ${position}`], position);
    assert.deepEqual(kinds(`${position}이 그랬어요`, SMALL_CROWD), [], position);
  }
});

test('what everybody writes is not asked about', () => {
  const ordinary = [
    '담당 의사가 설명을 자세히 해 줘요. 간호사들이 친절하고 야간 간호사가 부족해요.',
    '의사 선생님이 좋아요. 우리 간호사들은 3교대로 일하고 월 8회 당직을 서요.',
    '연봉 5,000만원, 대기 30분, 주 52시간, 병상 100-200개, 전문의 3명.',
    '1월부터 규정이 바뀌었어요. 2025년 평가에서 1등급을 받았어요.',
    '이런 의사는 없어요. 이 의사는 좋아요. 한의사가 진료해요. 한 의사가 하루 100명을 봐요.',
    '전 의사로 일하며 많이 배웠어요. 성실한 간호사, 유능한 의사, 좋은 약사가 많아요.',
    '신규 간호사 교육이 길고 인턴 의사가 많아요.',
    '오늘날 의료는 어렵지만 이 병원은 과잉진료를 하지 않습니다.',
    'The doctors explain well, and nurses are kind. 24/7 emergency room.',
  ];
  for (const text of ordinary) assert.deepEqual(kinds(text), [], text);
});

test('each finding says where it is, and none overlaps another', () => {
  const text = '김철수 원장 010-1234-5678, 3월 5일';
  const found = findings(text, 5);
  assert.deepEqual(found.map(({ start, end }) => text.slice(start, end)), ['김철수 원장', '010-1234-5678', '3월 5일']);
  assert.ok(found.every(({ start }, index) => index === 0 || start >= found[index - 1].end));
  assert.deepEqual(findings('', 5), []);
});

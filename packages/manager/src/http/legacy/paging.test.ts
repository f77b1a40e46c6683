import { expect, test } from 'vitest'
import { readPaging, toPage } from './paging.ts'

test('what old clients send reads as the defaults', () => {
  expect(readPaging({ page: 'NaN', size: 'undefined' }, 10)).toEqual({ number: 0, size: 10, sort: undefined })
  expect(readPaging({ size: '0' }, 50).size).toBe(50)
  expect(readPaging({ size: '-3' }, 50).size).toBe(50)
  expect(readPaging({ size: '99999' }, 50).size).toBe(2000)
  expect(readPaging({ page: '3', size: '7', sort: 'startDate,desc' }, 10)).toEqual({
    number: 3,
    size: 7,
    sort: { property: 'startDate', descending: true },
  })
})

test('a page has its position among all pages', () => {
  const middle = toPage(['a', 'b'], 5, { number: 1, size: 2, sort: undefined })
  expect(middle).toMatchObject({
    totalPages: 3,
    first: false,
    last: false,
    numberOfElements: 2,
    pageable: { offset: 2 },
  })
  expect(toPage(['e'], 5, { number: 2, size: 2, sort: undefined }).last).toBe(true)
  expect(toPage([], 0, { number: 0, size: 2, sort: undefined })).toMatchObject({
    first: true,
    last: true,
    empty: true,
    totalPages: 0,
  })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dumpName, objectNames } from './object-name.ts'

const takenAt = new Date('2026-02-03T04:05:06.789Z')

test('a dump is named after host, day and database', () => {
  expect(dumpName('10.0.0.5', 'db1', takenAt)).toBe('10.0.0.5_2026_02_03_db1')
})

test('a name in use gets the time before its type, then a number', () => {
  expect(objectNames('h_2026_02_03_db', '.tar.gz', takenAt).take(4).toArray()).toEqual([
    'h_2026_02_03_db.tar.gz',
    'h_2026_02_03_db_040506.tar.gz',
    'h_2026_02_03_db_040506_2.tar.gz',
    'h_2026_02_03_db_040506_3.tar.gz',
  ])
})

test('candidates never repeat, and keep name and type', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string(),
      fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
      (name, type, at) => {
        const candidates = objectNames(name, type, at).take(10).toArray()
        expect(new Set(candidates).size).toBe(10)
        expect(candidates.every((each) => each.startsWith(name) && each.endsWith(type))).toBe(true)
      },
    ),
  )
})

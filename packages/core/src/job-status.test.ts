import { isOver, jobStatuses } from '@osb-backup/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jobStatusOf } from './job-status.ts'

test('a job has the worst of its parts states', () => {
  expect(jobStatusOf(['SUCCEEDED', 'FAILED'])).toBe('FAILED')
  expect(jobStatusOf(['FAILED', 'STARTED'])).toBe('STARTED')
  expect(jobStatusOf(['STARTED', 'RUNNING', 'SUCCEEDED'])).toBe('RUNNING')
  expect(jobStatusOf(['RUNNING', 'UNKNOWN'])).toBe('UNKNOWN')
  expect(() => jobStatusOf([])).toThrow(RangeError)
})

test('a job is over exactly when every part is, and succeeded exactly when every part did', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...jobStatuses), { minLength: 1 }), (parts) => {
      expect(isOver(jobStatusOf(parts))).toBe(parts.every(isOver))
      expect(jobStatusOf(parts) === 'SUCCEEDED').toBe(parts.every((part) => part === 'SUCCEEDED'))
    }),
  )
})

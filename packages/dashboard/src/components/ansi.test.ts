import { expect, test } from 'vitest'
import { readAnsi, withoutAnsi } from './ansi.ts'

const plain = { isBold: false, color: undefined }

test('a line without sequences is one run', () => {
  expect(readAnsi('dumping orders')).toEqual([{ text: 'dumping orders', ...plain }])
  expect(readAnsi('')).toEqual([])
})

test('colors and bold type are read, and end where they are reset', () => {
  expect(readAnsi('a \u001b[1;31merror\u001b[0m here')).toEqual([
    { text: 'a ', ...plain },
    { text: 'error', isBold: true, color: 'red' },
    { text: ' here', ...plain },
  ])
})

test('sequences that move the cursor are left out', () => {
  expect(readAnsi('\u001b[2K\u001b[1G50 %')).toEqual([{ text: '50 %', ...plain }])
})

test('a text loses its sequences and nothing else', () => {
  expect(withoutAnsi('\u001b[32mdumping\u001b[0m orders [1]')).toBe('dumping orders [1]')
})

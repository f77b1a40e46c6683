import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { toJson, toYaml } from './describe.ts'
import { type Column, cleaned, cleanedCell, formatTable } from './table.ts'

const esc = String.fromCharCode(27)

test('text of others cannot control the terminal', () => {
  expect(cleaned(`a${esc}[2Jb${esc}[8mc\r\nd${esc}]0;title\u0007`)).toBe('abc d]0;title')
  expect(cleanedCell(`${esc}[32mgood${esc}[39m ${esc}[8mhidden`)).toBe(`${esc}[32mgood${esc}[39m hidden`)
  expect(cleanedCell(`${esc}[32mgood${esc}[39m\u009b2J`)).toBe(`${esc}[32mgood${esc}[39m2J`)
  expect(cleaned('a\u202egpj.exe')).toBe('agpj.exe')
})

test('neither can JSON and YAML, which keep the text as it is', () => {
  const value = { name: 'a\u009b2Jb', log: `first\nsecond \u009b2J${esc}[2J` }
  expect(toJson(value)).not.toMatch(/[\u007f-\u009f]/)
  expect(JSON.parse(toJson(value))).toEqual(value)
  expect(toYaml(value)).not.toMatch(/[\u007f-\u009f]/)
  expect(toYaml(value)).not.toContain(esc)
  expect(parse(toYaml(value))).toEqual(value)
})

test('columns that may shrink are shortened until the line fits, the widest first', () => {
  const columns: Column<[string, string]>[] = [
    { header: 'A', cell: ([a]) => a, shrinks: true },
    { header: 'B', cell: ([, b]) => b },
  ]
  const rows: [string, string][] = [
    ['a long text, and more of it', 'short'],
    ['日本語の長い名前です', 'x'],
  ]
  const lines = formatTable(rows, columns, 20)
  expect(lines[1]).toBe('a long text,…  short')
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(20)
  expect(formatTable(rows, columns, Number.POSITIVE_INFINITY)[1]).toContain('and more of it')
})

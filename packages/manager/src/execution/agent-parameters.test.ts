import { expect, test } from 'vitest'
import { parametersToWire } from './agent-parameters.ts'

const toObject = (list: Record<string, unknown>[]) => Object.assign({}, ...list)

test('nested parameters are named by their path, dots included', () => {
  const nested = { postgres: { max_connections: 100, tls: { on: true } }, hosts: ['a', 'b'], 'a.b': 1 }
  expect(toObject(parametersToWire(nested, {}))).toEqual({
    postgres_max_connections: 100,
    postgres_tls_on: true,
    hosts_0: 'a',
    hosts_1: 'b',
    a_b: 1,
  })
})

test('what no agent would accept is left out, and what clients read is sent', () => {
  const odd = {
    PGPORT: 5433,
    empty: {},
    none: null,
    PATH: '/evil',
    'x=y': 'z',
    [`n${'o'.repeat(255)}`]: 1,
    '': 'unnamed',
  }
  expect(toObject(parametersToWire(odd, {}))).toEqual({ x_y: 'z', PGPORT: 5433 })
})

test('a flat parameter counts before a nested one of the same name, and those of the job before both', () => {
  expect(toObject(parametersToWire({ a: { b: 'nested' }, a_b: 'flat', c: 1 }, {}))).toEqual({ a_b: 'flat', c: 1 })
  expect(toObject(parametersToWire({ a_b: 'flat' }, { a_b: 'of the job', PATH: 'refused by the agent' }))).toEqual({
    a_b: 'of the job',
    PATH: 'refused by the agent',
  })
})

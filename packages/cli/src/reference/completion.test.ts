import { expect, test } from 'vitest'
import { commandReference } from '../index.ts'
import { candidatesAfter } from './completion.ts'

const { root } = commandReference()
const after = (line: string) => candidatesAfter(root, line.split(' '))

test('a noun is followed by its verbs, a verb by names of its noun', () => {
  const verbs = after('plan ')
  expect(verbs.kind === 'words' && verbs.words.map(({ word }) => word)).toEqual(expect.arrayContaining(['run', 'edit']))
  expect(after('plan run ')).toEqual({ kind: 'entries', noun: 'plan' })
  expect(after('alarm ack ')).toEqual({ kind: 'entries', noun: 'alarm' })
  expect(after('channel test -o json ')).toEqual({ kind: 'entries', noun: 'channel' })
  // A name that is a verb, too.
  expect(after('plan show run ')).toEqual({ kind: 'words', words: [] })
})

test('an option that takes a value is followed by its values', () => {
  expect(after('plan list -o ')).toMatchObject({
    words: [{ word: 'table' }, { word: 'wide' }, { word: 'json' }, {}, {}],
  })
  expect(after('restore shop-db --to ')).toEqual({ kind: 'entries', noun: 'instance' })
  expect(after('plan list --instance = sh')).toEqual({ kind: 'entries', noun: 'instance' })
  expect(after('apply -f ')).toEqual({ kind: 'files' })
  expect(after('completion ')).toMatchObject({ words: [{ word: 'bash' }, { word: 'zsh' }, { word: 'fish' }] })
})

test('items are those of the instance that the command line names', () => {
  expect(after('backup shop-db ')).toEqual({ kind: 'items', instance: 'shop-db' })
  expect(after('restore shop-db shop --wait us')).toEqual({ kind: 'items', instance: 'shop-db' })
  expect(after('plan create --instance shop-db --item ')).toEqual({ kind: 'items', instance: 'shop-db' })
})

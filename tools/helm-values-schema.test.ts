import { expect, test } from 'vitest'
import { readValuesSchema, valuesSchema } from './helm-values-schema.ts'

test('the schema of the Helm values is current; `npm run docs` writes it', async () => {
  expect(JSON.parse(await readValuesSchema())).toEqual(JSON.parse(valuesSchema))
})

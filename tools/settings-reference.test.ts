import { expect, test } from 'vitest'
import { readSettingsPage, settingsPage } from './settings-reference.ts'

test('docs/settings.md is what `npm run docs` writes', async () => {
  expect(await readSettingsPage(), 'run `npm run docs`').toBe(settingsPage)
})

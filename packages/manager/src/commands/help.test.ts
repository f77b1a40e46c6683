import { expect, test } from 'vitest'
import { settingDocs } from '../settings/settings.ts'
import { help } from './help.ts'

test.for(settingDocs)('the help names $name apart from what it means', ({ name, means }) => {
  expect(help).toMatch(new RegExp(`^  ${name} {2,}${RegExp.escape(means)} \\(.*\\)$`, 'm'))
})

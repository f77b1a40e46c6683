import { commandReference, manualPages } from '@osb-backup/cli'
import { expect, test } from 'vitest'
import { cliPage, readCliPage } from './cli-reference.ts'

test('docs/cli.md is what `npm run docs` writes', async () => {
  expect(await readCliPage(), 'run `npm run docs`').toBe(cliPage)
})

test('every command has a manual page', () => {
  const pages = manualPages(commandReference().root, '1.2.3')
  const run = pages.find(({ file }) => file === 'osb-backup-plan-run.1')
  expect(run?.text).toContain('.SH NAME\nosb\\-backup\\-plan\\-run \\- Start a backup job now')
  expect(run?.text).toContain('.B \\-w, \\-\\-wait')
})

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryFolder, startAgentProcess, startManagerProcess, TEST_TOKEN } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { accessibilityViolations, launchBrowser, openDashboard } from './browser.ts'
import { buildDashboard } from './build-dashboard.ts'

/** A pack whose databases are files of a folder that a parameter names. */
async function writePack(folder: string): Promise<void> {
  const parameters = [{ name: 'data', type: 'string', description: 'Folder of the databases', required: true }]
  const scripts = {
    'pack.json': JSON.stringify({ form: 2, name: 'files', type: '.dump', parameters }),
    backup: 'cat "$BACKUP_PARAMETER_DATA/$BACKUP_DATABASE"',
    restore: 'cat > "$BACKUP_PARAMETER_DATA/$BACKUP_DATABASE"',
  }
  await mkdir(folder)
  for (const [name, text] of Object.entries(scripts)) await writeFile(join(folder, name), `${text}\n`)
}

test('a new user gets from an empty system to a restored database by clicking', async () => {
  await buildDashboard()
  await using stack = new AsyncDisposableStack()
  const { path } = stack.use(await makeTemporaryFolder())
  const folders = { scripts: join(path, 'scripts'), data: join(path, 'data'), store: join(path, 'stores', 'shop') }
  await writePack(folders.scripts)
  await mkdir(folders.data)
  await mkdir(folders.store, { recursive: true })
  const database = join(folders.data, 'orders')
  await writeFile(database, 'all orders')
  const agent = await startAgentProcess({
    directory_backup: join(path, 'backup'),
    directory_restore: join(path, 'restore'),
    scripts_path: folders.scripts,
    file_destination_root: join(path, 'stores'),
  })
  stack.defer(() => agent.stop())
  const manager = await startManagerProcess({
    DATA_DIR: join(path, 'manager'),
    FILE_DESTINATION_ROOT: join(path, 'stores'),
  })
  stack.defer(() => manager.stop())
  const browser = await launchBrowser()
  stack.defer(() => browser.close())
  const dashboard = stack.use(await openDashboard(browser, manager.url))
  const { page } = dashboard

  await dashboard.open('/', TEST_TOKEN)
  expect(await accessibilityViolations(page)).toEqual([])
  await page.getByRole('link', { name: 'Register an agent' }).click()
  await page.getByRole('heading', { level: 1, name: 'New agent' }).waitFor()
  await page.getByRole('textbox', { name: 'Name' }).fill('db-1')
  await page.getByRole('textbox', { name: 'URL' }).fill(agent.url)
  await page.getByRole('textbox', { name: 'User' }).fill(agent.username)
  await page.getByLabel('Password', { exact: true }).fill(agent.password)
  await page.getByRole('button', { name: 'Register agent' }).click()
  await page.getByRole('heading', { level: 1, name: 'db-1' }).waitFor()
  await page.getByRole('status').getByText('Reachable').waitFor()

  await page.getByRole('link', { name: 'New instance at it' }).click()
  await page.getByRole('heading', { level: 1, name: 'New instance' }).waitFor()
  await page.getByRole('textbox', { name: 'ID' }).fill('shop')
  await page.getByRole('textbox', { name: 'Address' }).fill('10.0.0.5')
  await page.getByRole('textbox', { name: 'data' }).fill(folders.data)
  expect(await accessibilityViolations(page)).toEqual([])
  await page.getByRole('button', { name: 'Register instance' }).click()
  await page.getByRole('heading', { level: 1, name: 'shop' }).waitFor()

  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('link', { name: 'Create a destination' }).click()
  await page.getByRole('heading', { level: 1, name: 'New destination' }).waitFor()
  await page.getByRole('combobox', { name: 'Instance' }).click()
  await page.getByRole('option', { name: 'shop' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('files')
  await page.getByRole('combobox', { name: 'Kind' }).click()
  await page.getByRole('option', { name: 'Directory' }).click()
  await page.getByRole('textbox', { name: 'Directory' }).fill(folders.store)
  await page.getByRole('button', { name: 'Create destination' }).click()
  await page.getByRole('heading', { level: 1, name: 'files' }).waitFor()

  await page.getByRole('link', { name: 'New plan with it' }).click()
  // The page before has a field of this name, too.
  await page.getByRole('heading', { level: 1, name: 'New plan' }).waitFor()
  await page.getByRole('textbox', { name: 'Name' }).fill('nightly')
  await page.getByRole('combobox', { name: 'Items' }).fill('orders')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Create plan' }).click()
  await page.getByRole('heading', { level: 1, name: 'nightly' }).waitFor()
  await page.getByRole('button', { name: 'Run now' }).click()
  await page.getByRole('heading', { level: 1, name: 'Backup of shop' }).waitFor()
  const end = page.getByRole('status').getByText('Succeeded', { exact: true }).first()
  await end.waitFor()

  await rm(database)
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('heading', { name: 'Everything is protected' }).waitFor()
  await page.getByRole('link', { name: 'Restore', exact: true }).click()
  await page.getByRole('combobox', { name: 'Instance' }).click()
  await page.getByRole('option', { name: 'shop' }).click()
  await page.getByRole('combobox', { name: 'Item' }).click()
  await page.getByRole('option', { name: 'orders' }).click()
  await page.getByRole('button', { name: /: 1 restore point$/ }).click()
  await page.getByRole('radiogroup', { name: 'Restore point' }).getByRole('radio').check()
  await page.getByLabel('Type orders to confirm').fill('orders')
  await page.getByRole('button', { name: 'Start the restore' }).click()
  await page.getByRole('heading', { level: 1, name: 'Restore of shop' }).waitFor()
  await end.waitFor()
  expect(await readFile(database, 'utf8')).toBe('all orders')
  expect(dashboard.problems).toEqual([])
})

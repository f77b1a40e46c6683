import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v1 from '@osb-backup/protocol/v1'
import { expect } from 'vitest'
import { z } from 'zod'
import type { Fixture } from '../fixtures/fixture.ts'
import type { RecordedCli } from './recorded-cli.ts'

/** Runs every command about policies. */
export async function runPolicyCommands(fixture: Fixture, { run, json }: RecordedCli): Promise<void> {
  const { folder, client, agentId, destinations } = fixture
  const id = 'policed'
  await client.instances.create({ id, agentId, hosts: [{ address: '10.9.0.1' }], items: ['shop'], label: 'gold' })
  const file = join(folder, 'gold.yaml')
  await writeFile(
    file,
    `template:
  schedule: {cron: '@daily'}
  retention: {style: gfs, keepLast: 3, keepDaily: 14}
  destination: {store: {kind: file, directory: '${destinations}/policies-{instanceId}'}}
`,
  )
  const fields = '--name gold --labels gold --priority 5'
  const preview = await json(`policy preview ${fields}`, v1.policyPreviewSchema, { more: ['-f', file] })
  expect(preview.counts).toMatchObject({ selected: 1, gains: 1 })
  expect((await run(`policy preview ${fields}`, { more: ['-f', file] })).stdout).toContain('policed gets a plan')
  expect((await run('policy create --name gold', { code: 2 })).stderr).toContain('--instances')
  const created = await json(`policy create ${fields}`, v1.policySchema, { more: ['-f', file] })
  const plans = async () => (await client.plans.list({ instance: id })).items
  await expect.poll(async () => (await plans()).map(({ managedBy }) => managedBy)).toEqual([`policy:${created.id}`])
  await run(`plan run ${id}/gold --wait`)
  const refused = await run(`plan edit ${id}/gold -f -`, { code: 1, input: 'retries: 9' })
  expect(refused.stderr).toContain(created.id)

  const [plan] = await plans()
  const change = join(folder, 'change.yaml')
  await writeFile(change, 'template: {retention: {style: days, period: 1}}\n')
  expect((await run(`policy preview gold -f ${change}`)).stdout).toMatch(/keeps .*shop.*\(newest, age\)/)
  expect((await run(`plan preview ${plan?.id} --keep 1d`)).stdout).toContain('(newest, age)')
  await json('policy preview gold --remove', v1.policyPreviewSchema)
  await run('policy preview --remove', { code: 2 })
  expect(
    await json('policy edit gold -f -', v1.policySchema, { input: 'floor: {minimumRetentionDays: 7}' }),
  ).toMatchObject({ priority: 5, floor: { minimumRetentionDays: 7 } })
  await json('policy list', z.array(v1.policySchema))
  expect((await run('policy list')).stdout).toContain('labels=gold')
  await json('policy show gold', v1.policySchema)
  const assignments = await json('policy assignments --policy gold', z.array(v1.policyAssignmentSchema))
  expect(assignments).toMatchObject([{ instanceId: id, policyName: 'gold', planId: plan?.id }])
  expect((await run('policy assignments --state assigned')).stdout).toContain('gold')

  await run(`policy exempt ${id} --until tomorrow`, { code: 2, more: ['--reason', 'no'] })
  const exempt = `policy exempt ${id} --until`
  await json(`${exempt} 30d`, v1.policyExemptionSchema, { more: ['--reason', 'a load test'] })
  expect(await json(`${exempt} 60d`, v1.policyExemptionSchema, { more: ['--reason', 'longer'] })).toMatchObject({
    reason: 'longer',
  })
  await json('policy exemptions --active', z.array(v1.policyExemptionSchema))
  expect((await run('policy exemptions')).stdout).toContain('longer')
  await json(`policy exemption ${id}`, v1.policyExemptionSchema)
  await run('policy exemption there-is-none', { code: 4 })
  // It was backed up, and is protected all the same.
  expect((await run('policy assignments --state exempt')).stdout).toContain(id)
  await run(`policy unexempt ${id} --yes`)
  await run(`policy unexempt ${id} --yes`, { code: 1 })

  await run('policy delete gold --dry-run')
  await run('policy delete gold --yes --plans delete')
  expect(await plans()).toEqual([])
  await run('policy show gold', { code: 4 })
}

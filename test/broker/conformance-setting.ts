import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { unreachableAgent } from '../fixtures/register-instance.ts'
import { bindingPathOf, DAILY, HOURLY, Platform, pathOf, protect, registerDatabase, SERVICE } from './platform.ts'

/** A requirement: the section of the specification, the requirement in our words, and a check. */
export type Requirement = [section: string, requirement: string, check: () => Promise<void>]

export let fixture: Fixture
export let platform: Platform
/** A registered service instance. */
export let database: string
/** The catalog's version of the plan that has one. */
export const VERSION = '2.1.0'

/** The default catalog, with what the specification lets a catalog say besides. */
async function writeCatalog(path: string): Promise<void> {
  const template = { schedule: { cron: '0 0 2 * * *' }, retention: { style: 'count', period: 2 } }
  const plan = (id: string, name: string, more: object = {}, backup: object = {}) => ({
    ...{ id, name, description: `Backups, ${name}.`, backup: { template, ...backup }, ...more },
  })
  const plans = [
    plan(DAILY, 'daily', { maintenance_info: { version: VERSION } }),
    plan(HOURLY, 'hourly'),
    plan('fixed', 'fixed', { plan_updateable: false }),
    plan('few', 'few', {}, { limits: { maxItems: 1 } }),
    plan('last', 'last', {}, { deprovision: { lastBackup: true } }),
  ]
  const service = { id: SERVICE, name: 'backup', description: 'Backups of service instances.', plans }
  await writeFile(path, JSON.stringify({ services: [service] }))
}

/** Starts a manager with the catalog. */
export async function startSetting(): Promise<void> {
  fixture = await startFixture()
  const path = join(fixture.folder, 'catalog.json')
  await writeCatalog(path)
  await fixture.restartManager({
    BROKER_CATALOG: path,
    PUBLIC_URL: 'https://backup.example',
    OIDC_ISSUER: 'https://uaa.example',
    OIDC_AUDIENCE: 'dashboard',
    OIDC_DASHBOARD_CLIENT_ID: 'dashboard',
    OIDC_DASHBOARD_CLIENT_SECRET: 'secret of the dashboard',
  })
  platform = await Platform.create(fixture, 'conformance')
  database = await registerDatabase(fixture, unreachableAgent, { items: ['shop', 'orders', 'users'] })
}

export const stopSetting = async () => fixture?.[Symbol.asyncDispose]()

export const withDatabase = (fields: object = {}) => ({ parameters: { service_instance: database, ...fields } })
export const instance = (parameters: object = {}) => protect(platform, database, parameters)

export async function bound(): Promise<[instanceId: string, bindingId: string]> {
  const [id, binding] = [await instance(), randomUUID()]
  expect((await platform.bind(id, binding)).status).toBe(201)
  return [id, binding]
}

/** What of each operation needs no instance that exists. */
export const operations = () => {
  const [id, body] = [randomUUID(), { service_id: SERVICE, plan_id: DAILY }]
  const query = `service_id=${SERVICE}&plan_id=${DAILY}`
  return [
    ['GET', '/v2/catalog'],
    ['PUT', pathOf(id), { ...body, organization_guid: 'o', space_guid: 's' }],
    ['PATCH', pathOf(id), { service_id: SERVICE }],
    ['GET', pathOf(id)],
    ['DELETE', `${pathOf(id)}?${query}`],
    ['GET', `${pathOf(id)}/last_operation`],
    ['PUT', bindingPathOf(id, 'b'), body],
    ['GET', bindingPathOf(id, 'b')],
    ['DELETE', `${bindingPathOf(id, 'b')}?${query}`],
    ['GET', `${bindingPathOf(id, 'b')}/last_operation`],
  ] as const
}

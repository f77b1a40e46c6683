import { randomUUID } from 'node:crypto'
import { BackupClient } from '@osb-backup/client'
import type { InstanceCreate, Plan, PlanTemplate, PolicyCreate } from '@osb-backup/protocol/v1'
import { afterAll, beforeAll, expect } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

/** A manager and an agent that the tests of a file share, with what tests of policies need. */
export interface PolicyFixture {
  fixture: Fixture
  /** Registers an instance on a database server of its own. Returns its id. */
  register(fields?: Partial<InstanceCreate>): Promise<string>
  /** What plans in directories are created from. */
  template(fields?: Partial<PlanTemplate>): PlanTemplate
  /** Creates a policy that selects by label. */
  createPolicy(label: string, fields?: Partial<PolicyCreate>): ReturnType<BackupClient['policies']['create']>
  plansOf(instance: string): Promise<Plan[]>
  /** The one plan that an instance gets from a policy. */
  planFrom(policyId: string, instance: string): Promise<Plan>
  /** A client of an operator who was granted some instances. */
  tenant(...instances: string[]): Promise<BackupClient>
}

/** A word that no other test of the file uses. */
export const unique = (word: string): string => `${word}-${randomUUID().slice(0, 8)}`

/** Starts manager and agent before the tests of the calling file, and stops them after them. */
export function usePolicyFixture(settings: Record<string, string> = {}): PolicyFixture {
  let fixture: Fixture
  let servers = 0
  beforeAll(async () => {
    fixture = await startFixture({}, { ALARM_INTERVAL_SECONDS: '1', RETENTION_CHANGE_GRACE_HOURS: '0', ...settings })
  })
  afterAll(() => fixture[Symbol.asyncDispose]())
  const used: PolicyFixture = {
    get fixture() {
      return fixture
    },
    async register(fields = {}) {
      servers++
      const id = fields.id ?? unique('db')
      await fixture.client.instances.create({
        ...{ id, agentId: fixture.agentId, items: ['shop'], database: { username: `user-of-${id}` } },
        hosts: [{ address: `10.7.${Math.floor(servers / 250)}.${(servers % 250) + 1}`, port: 5432 }],
        ...fields,
      })
      return id
    },
    template: (fields = {}) => ({
      schedule: { cron: '0 0 2 29 2 *' },
      retention: { style: 'days', period: 14 },
      compression: { algorithm: 'none' },
      destination: { store: { kind: 'file', directory: `${fixture.destinations}/{instanceId}` } },
      ...fields,
    }),
    createPolicy: (label, fields = {}) =>
      fixture.client.policies.create({
        name: unique('policy'),
        selector: { labels: [label] },
        template: used.template(),
        ...fields,
      }),
    plansOf: async (instance) => (await fixture.client.plans.list({ instance })).items,
    async planFrom(policyId, instance) {
      await expect
        .poll(async () => (await used.plansOf(instance)).map(({ managedBy }) => managedBy))
        .toEqual([`policy:${policyId}`])
      const [plan] = await used.plansOf(instance)
      if (plan === undefined) throw new Error(`the instance ${instance} has no plan`)
      return plan
    },
    async tenant(...instances) {
      const { token } = await fixture.client.tokens.create({ name: unique('tenant'), role: 'operator', instances })
      return new BackupClient({ url: fixture.manager.url, token })
    },
  }
  return used
}

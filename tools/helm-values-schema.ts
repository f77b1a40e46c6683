import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { agentSettingsSections } from '@osb-backup/agent'
import { managerSettingsSections } from '@osb-backup/manager'
import type { SettingsSection } from '@osb-backup/node'

const path = join(import.meta.dirname, '../deploy/helm/values.schema.json')

/** Settings that belong in a Secret. */
const isSecret = (name: string): boolean => /(^DATABASE_URL|KEY|_TOKEN|PASSWORD|_SECRET)$/i.test(name)

const text = { type: 'string' }
const flag = { type: 'boolean' }
const list = { type: 'array' }
const map = { type: 'object' }
const port = { type: 'integer', minimum: 1, maximum: 65_535 }

function strict(properties: Record<string, object>, required: string[] = []) {
  return { type: 'object', additionalProperties: false, properties, ...(required.length > 0 ? { required } : {}) }
}

/** The settings that values may have: what does not exist, or is a secret, is refused. */
function settings(sections: readonly SettingsSection[]) {
  const entries = sections.flatMap(({ table }) => Object.entries(table))
  return strict(
    Object.fromEntries(
      entries
        .filter(([name]) => !isSecret(name))
        .map(([name, { description }]) => [name, { type: ['string', 'number', 'boolean'], description }]),
    ),
  )
}

const pods = { resources: map, nodeSelector: map, tolerations: list, volumes: list, volumeMounts: list }

const agent = strict(
  {
    kind: { enum: ['Deployment', 'DaemonSet'] },
    variant: { enum: ['base', 'postgresql', 'mariadb', 'redis'] },
    existingSecret: { type: 'string', minLength: 1 },
    settings: settings(agentSettingsSections),
    hostNetwork: flag,
    storage: strict({ size: text, className: text }),
    ...pods,
  },
  ['existingSecret'],
)

const schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Values of the chart osb-backup-manager',
  ...strict(
    {
      global: map,
      image: strict({
        registry: text,
        tag: text,
        pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
        pullSecrets: list,
      }),
      manager: strict(
        {
          replicas: { type: 'integer', minimum: 1 },
          existingSecret: { type: 'string', minLength: 1 },
          settings: settings(managerSettingsSections),
          podAnnotations: map,
          affinity: map,
          ...pods,
        },
        ['existingSecret'],
      ),
      service: strict({ type: { enum: ['ClusterIP', 'NodePort', 'LoadBalancer'] }, port }),
      ingress: strict({ enabled: flag, className: text, annotations: map, host: text, tlsSecret: text }),
      httpRoute: strict({ enabled: flag, parentRefs: list, hostnames: list }),
      podDisruptionBudget: strict({ enabled: flag, minAvailable: { type: ['integer', 'string'] } }),
      networkPolicy: strict({ enabled: flag, from: list, egress: list }),
      serviceMonitor: strict({ enabled: flag, interval: text, labels: map }),
      prometheusRule: strict({ enabled: flag, labels: map, runbooks: text }),
      agents: {
        type: 'object',
        propertyNames: { pattern: '^[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?$' },
        additionalProperties: agent,
      },
    },
    ['manager'],
  ),
}

/** The schema of the chart's values, with the settings of the tables that the programs parse theirs with. */
export const valuesSchema = `${JSON.stringify(schema, null, 2)}\n`

/** The schema as it is in deploy/helm/. */
export const readValuesSchema = (): Promise<string> => readFile(path, 'utf8')

/** Writes the schema into deploy/helm/. */
export const writeValuesSchema = (): Promise<void> => writeFile(path, valuesSchema)

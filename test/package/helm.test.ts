import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryFolder } from '@osb-backup/testkit'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { writeChart } from '../../tools/package/helm.ts'
import { repository, run } from '../../tools/package/workspace.ts'
import { validateManifest } from './kubernetes-manifests.ts'

interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string }
  // biome-ignore lint/suspicious/noExplicitAny: what kubernetes-models has validated
  spec: any
}

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>
let chart: string
let program: string

beforeAll(async () => {
  folder = await makeTemporaryFolder()
  chart = join(folder.path, 'chart')
  await writeChart(chart)
  program = join(folder.path, 'helm-template')
  const env = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(folder.path, 'go'), GOFLAGS: '' }
  await run('go', ['build', '-o', program, 'main.go'], { cwd: join(import.meta.dirname, 'helm-template'), env })
})

afterAll(() => folder[Symbol.asyncDispose]())

const manifestsOf = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap((document) => {
    expect(document.errors).toEqual([])
    return (document.toJS() as Manifest | null) ?? []
  })

/** Renders the chart with values that its schema accepts; every manifest is valid. */
async function render(values: object): Promise<Manifest[]> {
  const schema = JSON.parse(await readFile(join(chart, 'values.schema.json'), 'utf8'))
  const validate = new Ajv({ strict: false }).compile(schema)
  validate(values)
  expect(validate.errors ?? []).toEqual([])
  const path = join(folder.path, 'values.yaml')
  await writeFile(path, stringify(values))
  const manifests = manifestsOf(await run(program, ['backup', chart, path]))
  for (const manifest of manifests) await validateManifest(manifest)
  return manifests
}

const find = (manifests: readonly Manifest[], kind: string, name: string): Manifest => {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name)
  if (found === undefined) throw new Error(`no ${kind} ${name}: ${manifests.map((each) => each.kind)}`)
  return found
}

const minimal = { manager: { existingSecret: 'osb-backup' } }

test('the defaults are two managers with probes, a budget and a network policy', async () => {
  const manifests = await render(minimal)
  expect(manifests.map(({ kind }) => kind).sort()).toEqual([
    'Deployment',
    'NetworkPolicy',
    'PodDisruptionBudget',
    'Service',
    'ServiceAccount',
  ])
  const { spec } = find(manifests, 'Deployment', 'backup')
  expect(spec.replicas).toBe(2)
  const [container] = spec.template.spec.containers
  expect(container).toMatchObject({
    image: expect.stringMatching(/^osb-backup-manager:\d/),
    envFrom: [{ secretRef: { name: 'osb-backup' } }],
    livenessProbe: { httpGet: { path: '/health' } },
    readinessProbe: { httpGet: { path: '/ready' } },
    securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  })
  expect(spec.template.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10001 })
})

test('all options together are valid, and agents are Deployments and DaemonSets', async () => {
  const manifests = await render({
    image: { registry: 'registry.example.org/backup/', tag: '1.2.3', pullSecrets: [{ name: 'pull' }] },
    manager: {
      ...minimal.manager,
      replicas: 3,
      settings: {
        MAX_RUNNING_JOBS: 5,
        LOG_LEVEL: 'debug',
        TLS_CERTIFICATE_FILE: '/tls/tls.crt',
        TLS_KEY_FILE: '/tls/tls.key',
      },
      volumes: [{ name: 'tls', secret: { secretName: 'tls' } }],
      volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
    },
    ingress: { enabled: true, className: 'nginx', host: 'backup.example.org', tlsSecret: 'tls' },
    httpRoute: { enabled: true, parentRefs: [{ name: 'gateway' }], hostnames: ['backup.example.org'] },
    networkPolicy: { from: [{ namespaceSelector: {} }], egress: [{ ports: [{ port: 5432, protocol: 'TCP' }] }] },
    serviceMonitor: { enabled: true },
    prometheusRule: { enabled: true, runbooks: 'https://runbooks.example.org' },
    agents: {
      shop: {
        variant: 'postgresql',
        existingSecret: 'shop-agent',
        settings: { max_job_number: 2 },
        storage: { size: '20Gi' },
      },
      nodes: { kind: 'DaemonSet', existingSecret: 'node-agent', hostNetwork: true },
    },
  })
  const manager = find(manifests, 'Deployment', 'backup').spec.template.spec.containers[0]
  expect(manager.image).toBe('registry.example.org/backup/osb-backup-manager:1.2.3')
  expect(manager.env).toContainEqual({ name: 'MAX_RUNNING_JOBS', value: '5' })
  expect(manager.readinessProbe.httpGet.scheme).toBe('HTTPS')
  const shop = find(manifests, 'Deployment', 'backup-agent-shop').spec
  expect(shop).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } })
  expect(shop.template.spec.containers[0].image).toContain('/osb-backup-agent-postgresql:')
  expect(find(manifests, 'PersistentVolumeClaim', 'backup-agent-shop').spec.resources.requests.storage).toBe('20Gi')
  const nodes = find(manifests, 'DaemonSet', 'backup-agent-nodes').spec
  expect(nodes.template.spec.volumes).toContainEqual(expect.objectContaining({ hostPath: expect.anything() }))
  const rules = find(manifests, 'PrometheusRule', 'backup').spec.groups.flatMap(
    (group: { rules: object[] }) => group.rules,
  )
  expect(rules.length).toBeGreaterThan(10)
  expect(rules[0].annotations.runbook_url).toMatch(/^https:\/\/runbooks\.example\.org\/OsbBackup/)
  for (const kind of ['Ingress', 'HTTPRoute', 'ServiceMonitor']) find(manifests, kind, 'backup')
})

test('values that are wrong are refused with a reason', async () => {
  const schema = JSON.parse(await readFile(join(chart, 'values.schema.json'), 'utf8'))
  const validate = new Ajv({ strict: false }).compile(schema)
  const wrong = [
    { manager: {} },
    { manager: { ...minimal.manager, settings: { MAX_RUNING_JOBS: 5 } } },
    { manager: { ...minimal.manager, settings: { SECRET_KEY: 'in values' } } },
    { ...minimal, agents: { shop: { existingSecret: 'a', kind: 'StatefulSet' } } },
  ]
  for (const values of wrong) expect([values, validate(values)]).toEqual([values, false])
  await writeFile(join(folder.path, 'empty.yaml'), '{}')
  await expect(run(program, ['backup', chart, join(folder.path, 'empty.yaml')])).rejects.toThrow(
    'manager.existingSecret must name a Secret',
  )
})

test('the example of an agent beside a database is valid', async () => {
  const manifests = manifestsOf(await readFile(join(repository, 'deploy/helm/examples/sidecar.yaml'), 'utf8'))
  expect(manifests.map(({ kind }) => kind)).toEqual(['Service', 'StatefulSet'])
  for (const manifest of manifests) await validateManifest(manifest)
})

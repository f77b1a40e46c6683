import { expect } from 'vitest'

/** Packages with the schemas of API groups, which kubernetes-models does not have itself. */
const packagesOfGroups: Readonly<Record<string, string>> = {
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
}

interface Model {
  validate(): void
}

/** Fails unless a manifest is valid by the schema of its kind. */
export async function validateManifest(manifest: {
  apiVersion: string
  kind: string
  metadata: { name: string }
}): Promise<void> {
  const { apiVersion, kind } = manifest
  const [group = ''] = apiVersion.split('/')
  const module = await import(`${packagesOfGroups[group] ?? 'kubernetes-models'}/${apiVersion}/${kind}`)
  const Model = module[kind] as new (data: object) => Model
  const problem = (() => {
    try {
      new Model(manifest).validate()
      return undefined
    } catch (error) {
      return error
    }
  })()
  expect([kind, manifest.metadata.name, problem]).toEqual([kind, manifest.metadata.name, undefined])
}

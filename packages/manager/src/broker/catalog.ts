import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { SettingsError } from '@osb-backup/node'
import type { Logger } from 'pino'
import { RequestError } from '../shared/request-error.ts'
import { type CatalogPlan, type CatalogService, catalogFileSchema } from './catalog-schema.ts'
import { defaultCatalog } from './default-catalog.ts'
import { parameterSchemas } from './parameters.ts'
import { checkCatalogTemplate } from './protection.ts'

/** What a platform adds to a catalog besides the file: fields that follow from what the manager does. */
export interface CatalogAdditions {
  dashboardClient: { id: string; secret: string; redirect_uri: string } | undefined
  extensions: readonly object[]
}

interface LoadedCatalog {
  services: readonly CatalogService[]
  readAtMs: number
}

/**
 * The catalog of the manager's own broker. The file is read again when it changed; one that cannot be used then is reported, and the
 * last one that could stays.
 */
export class Catalog {
  readonly #path: string | undefined
  readonly #log: Logger
  #loaded: LoadedCatalog

  /** @throws {SettingsError} If the file cannot be used. */
  constructor(path: string | undefined, log: Logger) {
    this.#path = path
    this.#log = log
    this.#loaded = load(path)
  }

  get services(): readonly CatalogService[] {
    this.#refresh()
    return this.#loaded.services
  }

  /** The plan of an instance; undefined if it is no longer in the catalog. */
  findPlan(serviceId: string, planId: string): CatalogPlan | undefined {
    const service = this.services.find(({ id }) => id === serviceId)
    return service?.plans.find(({ id }) => id === planId)
  }

  /** @throws {RequestError} If the catalog has no such plan. */
  getPlan(serviceId: string, planId: string): CatalogPlan {
    this.requireService(serviceId)
    const plan = this.findPlan(serviceId, planId)
    if (plan !== undefined) return plan
    const message = `The catalog has no plan ${JSON.stringify(planId)} of this service.`
    throw new RequestError('invalid', message, { field: 'plan_id' })
  }

  /** @throws {RequestError} If the catalog has no such service. */
  requireService(serviceId: string): void {
    if (this.services.some(({ id }) => id === serviceId)) return
    const message = `The catalog has no service ${JSON.stringify(serviceId)}.`
    throw new RequestError('invalid', message, { field: 'service_id' })
  }

  /** The name of a service, as it is called where people read it. */
  nameOf(serviceId: string): string {
    return this.services.find(({ id }) => id === serviceId)?.name ?? 'backup'
  }

  /** Whether instances of a plan may change to another one. */
  isPlanUpdateable(serviceId: string, planId: string): boolean {
    const service = this.services.find(({ id }) => id === serviceId)
    return this.findPlan(serviceId, planId)?.plan_updateable ?? service?.plan_updateable ?? true
  }

  /** The catalog as platforms read it. */
  toWire(additions: CatalogAdditions): { body: object; etag: string } {
    const body = { services: this.services.map((service) => serviceToWire(service, additions)) }
    const digest = createHash('sha256').update(JSON.stringify(body)).digest('base64url')
    return { body, etag: `"${digest}"` }
  }

  #refresh(): void {
    if (this.#path === undefined) return
    try {
      if (modifiedAtMs(this.#path) === this.#loaded.readAtMs) return
      this.#loaded = load(this.#path)
    } catch (error) {
      this.#log.warn({ err: error }, 'the changed BROKER_CATALOG cannot be used; the one before stays')
    }
  }
}

/** 0: there is none. */
const modifiedAtMs = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

function load(path: string | undefined): LoadedCatalog {
  // Read before the content: a change meanwhile is noticed.
  const readAtMs = path === undefined ? 0 : modifiedAtMs(path)
  const content = path === undefined ? defaultCatalog : readJson(path)
  const result = catalogFileSchema.safeParse(content)
  if (!result.success) {
    const [issue] = result.error.issues
    const place = issue?.path.join('.') || 'the file'
    throw new SettingsError(`BROKER_CATALOG (${path}) cannot be used: ${place}: ${issue?.message ?? 'is wrong'}.`)
  }
  const { services } = result.data
  for (const plan of services.flatMap((service) => service.plans)) requireUsable(path, plan)
  return { services, readAtMs }
}

function requireUsable(path: string | undefined, plan: CatalogPlan): void {
  try {
    checkCatalogTemplate(plan)
  } catch (cause) {
    if (!(cause instanceof RequestError)) throw cause
    throw new SettingsError(`BROKER_CATALOG (${path}) cannot be used: the plan ${plan.name}: ${cause.message}`, {
      cause,
    })
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? 'it is no JSON' : (cause as Error).message
    throw new SettingsError(`BROKER_CATALOG (${path}) cannot be read: ${reason}.`, { cause })
  }
}

/** What the file says and what the manager does; that a platform may rely on. */
function serviceToWire(service: CatalogService, { dashboardClient, extensions }: CatalogAdditions): object {
  return {
    plan_updateable: true,
    ...service,
    ...(dashboardClient && { dashboard_client: dashboardClient }),
    bindable: true,
    instances_retrievable: true,
    bindings_retrievable: true,
    allow_context_updates: true,
    metadata: { shareable: true, ...service.metadata },
    plans: service.plans.map((plan) => planToWire(plan, extensions)),
  }
}

function planToWire(plan: CatalogPlan, extensions: readonly object[]): object {
  const { backup, ...described } = plan
  return {
    schemas: parameterSchemas(plan),
    maximum_polling_duration: backup.deprovision.timeLimitSeconds + POLLING_RESERVE_SECONDS,
    ...described,
    bindable: true,
    binding_rotatable: true,
    ...(extensions.length > 0 && { extensions }),
  }
}

/** So that platforms learn of the failure at the limit. */
const POLLING_RESERVE_SECONDS = 600

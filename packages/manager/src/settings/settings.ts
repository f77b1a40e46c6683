import { resolve } from 'node:path'
import {
  type Environment,
  type ParsedSettings,
  parseSettings,
  readSupervision,
  type ServiceSupervision,
  SettingsError,
} from '@osb-backup/node'
import { type CredHubSettings, readCredHubSettings } from './credhub-settings.ts'
import { builtDashboard } from './dashboard-folder.ts'
import { type OidcSettings, readOidcSettings } from './oidc-settings.ts'
import { managerTable } from './settings-table.ts'

/** `MAX_RUNNING_JOBS` as `maxRunningJobs`. */
type CamelCase<S extends string> = S extends `${infer Word}_${infer Rest}`
  ? `${Lowercase<Word>}${Capitalize<CamelCase<Rest>>}`
  : Lowercase<S>

type Parsed = ParsedSettings<typeof managerTable>
type Properties = { readonly [N in keyof Parsed & string as CamelCase<N>]: Parsed[N] }

/** The settings of the manager. `settings-table.ts` says what each means; it is named like its variable, in camel case. */
export interface ManagerSettings
  extends Omit<
    Properties,
    | 'dataDir'
    | 'dashboardDir'
    | 'allowedOrigins'
    | 'trustedProxies'
    | 'recoveryRecipients'
    | 'metricsAllowedAddresses'
    | 'legacyRegistrationNetworks'
  > {
  /** Absolute. */
  readonly dataDirectory: string
  /** Absolute; it may not exist. */
  readonly dashboardDirectory: string
  readonly allowedOrigins: readonly string[]
  readonly trustedProxies: readonly string[]
  readonly recoveryRecipients: readonly string[]
  readonly metricsAllowedAddresses: readonly string[]
  readonly legacyRegistrationNetworks: readonly string[]
  /** Identity provider whose tokens are accepted too; undefined: there is none. */
  readonly oidc: OidcSettings | undefined
  /** Where credentials of databases are read that are not stored; undefined: nowhere. */
  readonly credHub: CredHubSettings | undefined
  /** What systemd asks for, where it started the manager. */
  readonly supervision: ServiceSupervision
}

/**
 * Reads the settings. An empty variable counts as not set. This file alone reads the environment.
 *
 * @throws {SettingsError} Naming the first variable that is wrong or missing.
 */
export function readSettings(environment: Environment = process.env): ManagerSettings {
  const entries = Object.entries(parseSettings(managerTable, environment))
  const properties = Object.fromEntries(entries.map(([name, value]) => [camelCase(name), value])) as Properties
  const keys = ['SECRET_KEY', 'SECRET_KEY_FILE', 'SECRET_KEY_COMMAND'].filter((name) => environment[name])
  if (keys.length > 1) throw new SettingsError(`${keys.join(' and ')} exclude each other: set one of them.`)
  const {
    dataDir,
    dashboardDir = builtDashboard(),
    allowedOrigins = [],
    trustedProxies = [],
    recoveryRecipients = [],
    ...rest
  } = properties
  const { metricsAllowedAddresses = [], legacyRegistrationNetworks = [], ...others } = rest
  const oidc = readOidcSettings(environment)
  requireBoth(properties, 'tlsCertificateFile', 'tlsKeyFile')
  requireBoth(properties, 'agentCertificateFile', 'agentKeyFile')
  if (legacyRegistrationNetworks.length > 0 && properties.legacyAgentPassword === undefined) {
    throw new SettingsError('LEGACY_AGENT_PASSWORD must be set with LEGACY_REGISTRATION_NETWORKS.')
  }
  const lists = {
    allowedOrigins,
    trustedProxies,
    recoveryRecipients,
    metricsAllowedAddresses,
    legacyRegistrationNetworks,
  }
  const directories = { dataDirectory: resolve(dataDir), dashboardDirectory: resolve(dashboardDir) }
  const supervision = readSupervision(environment)
  return { ...others, ...lists, ...directories, oidc, credHub: readCredHubSettings(environment), supervision }
}

function requireBoth(properties: Properties, certificate: keyof Properties, key: keyof Properties): void {
  const [missing, present] = properties[certificate] === undefined ? [certificate, key] : [key, certificate]
  if (properties[missing] !== undefined || properties[present] === undefined) return
  throw new SettingsError(`${upperSnake(missing)} must be set with ${upperSnake(present)}.`)
}

const upperSnake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}

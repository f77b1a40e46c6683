import { includesRole, type Permission, type Role } from '../shared/role.ts'

/** Which service instances a caller was granted: all of them, or these. */
export type Grants = 'all' | readonly string[]

/** Who makes a call, and what they may do. */
export interface Caller {
  /**
   * How the caller authenticated; `command`: by an account of the machine that the manager runs on; `agent`: by a token to enrol
   * with, or its certificate.
   */
  kind: 'token' | 'user' | 'broker' | 'command' | 'agent'
  /** For the audit log: the token's id, the user's subject, the name of the account. */
  id: string
  /** For people. */
  name: string
  role: Role
  /** What the caller may do besides its role. Admins need none. */
  permissions: readonly Permission[]
  /** Broker accounts may only delete what belongs to a service instance. */
  onlyDeprovisions: boolean
  /** How long its credential is valid from now on; undefined: without limit. */
  validForMs: number | undefined
  /** The instances that are known to be granted, for lists. */
  grants(): Promise<Grants>
  /** Whether one instance is granted, to read it or also to change what belongs to it. */
  isGranted(instanceId: string, use: 'read' | 'change'): Promise<boolean>
}

/** A caller whose grants are stored with it. */
export function grantedCaller(caller: Omit<Caller, 'grants' | 'isGranted'>, grants: Grants): Caller {
  return {
    ...caller,
    grants: async () => grants,
    isGranted: async (instanceId) => grants === 'all' || grants.includes(instanceId),
  }
}

/** Whether a caller may do something that its role alone does not allow. */
export function hasPermission({ role, permissions }: Caller, permission: Permission): boolean {
  return includesRole(role, 'admin') || permissions.includes(permission)
}

/** Identifies a caller by a credential; undefined where the credential is not valid. */
export type IdentifyCaller = (credential: string) => Promise<Caller | undefined>
